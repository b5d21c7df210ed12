"""What the steps of a story usually take, where a profile tells."""

from laban_collector.store.rows import Span
from laban_mapper.model import UsualTimes
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.steps import Occurrence, entry_roots
from laban_mapper.profiles.usual import FEWEST, UsualStep
from laban_mapper.spans import NS_PER_MS
from laban_mapper.story.causes.facts import Facts, usual_step_of


def own_time(span: Span, facts: Facts) -> float | None:
    """The time in ms of a visit without the calls below it; None if the span is no visit of a profile."""
    place = facts.step_of(span)
    if place is None or place[1].kind != "visit" or place[1].own is None:
        return None
    return place[1].own / NS_PER_MS


def usual_times(span: Span, facts: Facts) -> UsualTimes | None:
    """The usual times of a span; None if it is no step of a profile, or with too few examples."""
    place, usual = facts.step_of(span), usual_step_of(span, facts)
    if place is None or usual is None:
        return None
    whole = _whole(place[1], usual)
    measures = [measure for measure in (whole, _own(place[1]), Measure.WAIT) if measure is not None]
    known = {one: usual.sketch(one) for one in measures if usual.sketch(one).count >= FEWEST}
    if not known:
        return None

    def median(measure: Measure | None) -> float | None:
        return known[measure].median / NS_PER_MS if measure is not None and measure in known else None

    return UsualTimes(
        duration_ms=median(whole),
        own_ms=median(_own(place[1])),
        wait_ms=median(Measure.WAIT),
        examples=min(sketch.count for sketch in known.values()),
    )


def usual_whole(facts: Facts) -> tuple[float, int] | None:
    """How long a request usually takes until all that follows has ended: the median in ms, and examples.

    None with too few examples, or if the story has several requests: nobody knows what lies between them.
    """
    roots = entry_roots(facts.causality)
    usual = facts.usual.get(id(roots[0])) if len(roots) == 1 else None
    if usual is None or usual.entry is None:
        return None
    whole = usual.entry.sketch(Measure.WHOLE)
    return (whole.median / NS_PER_MS, whole.count) if whole.count >= FEWEST else None


def _own(one: Occurrence) -> Measure | None:
    return Measure.OWN if one.kind == "visit" else None


def _whole(one: Occurrence, usual: UsualStep) -> Measure | None:
    """The measure of the whole duration of a step; None if profiles do not keep it.

    They keep that of entries and of the work on messages, and of everything that calls nothing.
    """
    if one.kind == "visit" and usual.sketch(Measure.REPLY).count >= FEWEST:
        return Measure.REPLY
    if one.kind == "publish":
        return Measure.OWN
    return None if usual.below else Measure.OWN
