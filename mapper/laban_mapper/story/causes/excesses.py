"""The times of the steps of a trace that are far above the usual."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from laban_mapper.profiles.sketch import Measure, Sketch
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.profiles.usual import FEWEST, Usual, UsualStep
from laban_mapper.spans import CLIENT, NS_PER_MS
from laban_mapper.story.causes.comparing import examples_of, limit_of
from laban_mapper.story.causes.facts import Facts
from laban_mapper.story.causes.failures import gave_up

Where = Literal["own", "gap", "wait"]
Scattered = set[tuple[str | None, str | None]]
"""Topics and keys."""

_FEWEST_NS: Final[dict[Where, int]] = {"own": 15 * NS_PER_MS, "gap": 30 * NS_PER_MS, "wait": 15 * NS_PER_MS}
"""The least excess. On a busy machine, less comes from the scheduler or from a pause of the collector of
garbage, in a single trace now and then; a gap contains such pauses of two machines, and of the network."""
_JITTER_MS: Final = 10
"""The usual gap up to which the longest gaps of a call show how long such pauses are here."""


@dataclass(frozen=True, slots=True)
class Excess:
    """A time of a step that is far above the usual.

    Attributes:
        one: the step.
        where: its own time, the gap between it and its server half, or the time of its message in the queue.
        took: that time in ns.
        sketch: the usual times.
        examples: how many traces they rest on.
    """

    one: Occurrence
    where: Where
    took: int
    sketch: Sketch
    examples: int

    @property
    def over(self) -> float:
        """The time above the usual one, in ns."""
        return self.took - self.sketch.median


def excesses(facts: Facts, steps: Sequence[Occurrence], usual: Usual, apart: Scattered) -> Iterator[Excess]:
    """Find the times of the steps of one root that are far above the usual.

    Args:
        facts: about the story.
        steps: of the root.
        usual: its profile.
        apart: what `scattered` returns for the story.
    """
    below = steps_below(steps)
    late: set[int] = set()
    jitter = _jitter(usual)
    seen: set[tuple[int, int]] = set()
    times = Counter(one.step for one in steps)
    for one in steps:
        known = usual.step(one.step)
        if known is None or (one.failed and not _was_declined(one) and not _was_given_up(facts, one)):
            continue
        again = (id(one.above), one.step) in seen or _is_repeated(one, times[one.step], known)
        again = again or (one.span.topic, one.above and one.above.span.message_key) in apart
        seen.add((id(one.above), one.step))
        for where, measure, took in _times(one, below.get(id(one), ()), again=again):
            limit = limit_of(known, measure)
            least = max(_FEWEST_NS[where], jitter)
            if limit is None or took <= limit or took - known.sketch(measure).median < least:
                continue
            if where == "wait" and id(one.above) in late and _since_published(facts, one) <= limit:
                continue
            late.add(id(one))
            yield Excess(one, where, took, known.sketch(measure), examples_of(known, measure))


def steps_below(steps: Sequence[Occurrence]) -> dict[int, list[Occurrence]]:
    """The steps directly below each step, by the id of the object."""
    below: dict[int, list[Occurrence]] = {}
    for one in steps:
        if one.above is not None:
            below.setdefault(id(one.above), []).append(one)
    return below


def _jitter(usual: Usual) -> float:
    """How long the pauses are that hit steps at random here, in ns.

    Nothing works in the gap of a call, so its longest times are pauses of the network or of a busy machine.
    They hit all calls alike; what only one call has seen was an incident of its own.
    """
    gaps = [step.sketch(Measure.GAP) for step in usual.steps()]
    known = [gap for gap in gaps if gap.count >= FEWEST and gap.median <= _JITTER_MS * NS_PER_MS]
    longest = sorted((gap.longest - gap.median for gap in known), reverse=True)
    return longest[1] if len(longest) > 1 else 0.0


def _times(
    one: Occurrence, below: Sequence[Occurrence], *, again: bool
) -> Iterator[tuple[Where, Measure, int]]:
    """The times of a step that can be compared.

    The own time of a service that tried a call again contains its pauses, and the wait of a message that was
    consumed again contains the attempt before: others tell them.
    """
    retried = one.kind == "visit" and any(call.failed and not _was_declined(call) for call in below)
    if one.own is not None and not retried and not (one.failed and one.kind != "visit"):
        yield "own", Measure.OWN, one.own
    if one.gap is not None:
        yield "gap", Measure.GAP, one.gap
    if one.wait is not None and not again:
        yield "wait", Measure.WAIT, one.wait


def scattered(facts: Facts) -> Scattered:
    """Topics and keys whose messages went to several partitions: the usual wait is that of another queue."""
    partitions: dict[tuple[str | None, str | None], set[int | None]] = {}
    for published in facts.messages:
        message = published.message
        if message.key is not None:
            partitions.setdefault((message.topic, message.key), set()).add(message.partition)
    return {place for place, found in partitions.items() if len(found) > 1}


def _was_declined(one: Occurrence) -> bool:
    """Whether a call got an answer in time, although the answer was no."""
    return 400 <= (one.span.http_status or 0) < 500


def _is_repeated(one: Occurrence, times: int, known: UsualStep) -> bool:
    """Whether a message was consumed more often than in any example: then one waits for the other."""
    return one.wait is not None and times > max(
        (n for n, _ in known.sketch(Measure.VISITS).buckets()), default=0
    )


def _was_given_up(facts: Facts, one: Occurrence) -> bool:
    """Whether the step failed, or may have, because a caller did not wait longer."""
    above: Occurrence | None = one
    while above is not None:
        if above.span.kind == CLIENT and gave_up(above.span, facts.causality):
            return True
        above = above.above
    return False


def _since_published(facts: Facts, one: Occurrence) -> int:
    assert one.above is not None  # noqa: S101 - a message that waited was published
    return facts.causality.start(one.span) - facts.causality.end(one.above.span)
