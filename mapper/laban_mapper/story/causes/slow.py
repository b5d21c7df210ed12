"""Something took far longer than usual, and that explains why the whole did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from laban_collector.store.rows import Span
from laban_mapper.profiles.sketch import Measure, Sketch
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.profiles.usual import FEWEST, Usual, UsualStep
from laban_mapper.spans import CLIENT, NS_PER_MS, SERVER
from laban_mapper.spans import failed as has_failed
from laban_mapper.story.causes.callees import callee_of
from laban_mapper.story.causes.comparing import HALF_A_BUCKET, examples_of, limit_of, milliseconds, usually
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import gave_up

_Where = Literal["own", "gap", "wait"]

_LEAST_SHARE: Final = 0.05
"""The share of the usual whole below which an excess is not worth a word."""
_MOST_OF: Final = 0.5
"""The share of the excess of the whole that a cause explains."""
_VISIBLE: Final = 0.25
"""The share of an excess by which the whole took longer at least; else it was in nobody's way."""
_MANY: Final = 150
"""Examples from which on the ways that a step can take are known. With fewer, the whole is a witness, too:
where steps have a slower way that too few examples took, the whole has taken as long before."""
_FEWEST_NS: Final = NS_PER_MS
"""An excess below a millisecond may come from the clock or the scheduler."""


@dataclass(frozen=True, slots=True)
class _Excess:
    """A time of a step that is far above the usual."""

    one: Occurrence
    where: _Where
    took: int
    sketch: Sketch
    examples: int

    @property
    def over(self) -> float:
        return self.took - self.sketch.median


def slow(facts: Facts) -> list[Claim]:
    """Find the services whose own time, or whose way to be reached, explains why the whole took long."""
    claims: list[Claim] = []
    for root, steps in facts.steps.items():
        usual = facts.usual.get(root)
        if usual is None or not steps or usual.examples < FEWEST:
            continue
        by_service: dict[str, list[_Excess]] = {}
        for excess in _excesses(facts, steps, usual):
            by_service.setdefault(_blamed(excess, facts), []).append(excess)
        total = sum(excess.over for found in by_service.values() for excess in found)
        for service, found in by_service.items():
            explained = _explained(facts, steps, usual, found, total)
            if explained:
                claims.append(_claim(service, found, explained))
    return claims


def _excesses(facts: Facts, steps: Sequence[Occurrence], usual: Usual) -> Iterator[_Excess]:
    below: dict[int, list[Occurrence]] = {}
    for one in steps:
        if one.above is not None:
            below.setdefault(id(one.above), []).append(one)
    late: set[int] = set()
    scattered = _scattered(facts)
    seen: set[tuple[int, int]] = set()
    for one in steps:
        known = usual.step(one.step)
        if known is None or (one.failed and not _was_declined(one) and not _was_given_up(facts, one)):
            continue
        again = (id(one.above), one.step) in seen or _is_repeated(one, steps, known)
        again = again or (one.span.topic, one.above and one.above.span.message_key) in scattered
        seen.add((id(one.above), one.step))
        for where, measure, took in _times(one, below.get(id(one), ()), again=again):
            limit = limit_of(known, measure)
            if limit is None or took <= limit or took - known.sketch(measure).median < _FEWEST_NS:
                continue
            if where == "wait" and id(one.above) in late and _since_published(facts, one) <= limit:
                continue
            late.add(id(one))
            yield _Excess(one, where, took, known.sketch(measure), examples_of(known, measure))


def _times(
    one: Occurrence, below: Sequence[Occurrence], *, again: bool
) -> Iterator[tuple[_Where, Measure, int]]:
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


def _scattered(facts: Facts) -> set[tuple[str | None, str | None]]:
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


def _is_repeated(one: Occurrence, steps: Sequence[Occurrence], known: UsualStep) -> bool:
    """Whether a message was consumed more often than in any example: then one waits for the other."""
    most = max((times for times, _ in known.sketch(Measure.VISITS).buckets()), default=0)
    return one.wait is not None and sum(other.step == one.step for other in steps) > most


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


def _explained(
    facts: Facts, steps: Sequence[Occurrence], usual: Usual, found: Sequence[_Excess], total: float
) -> tuple[Span, ...]:
    """The failed calls that follow, or else the entry if it or what follows from it took longer for this."""
    given_up = [span for excess in found for span in _failed_above(facts, excess.one)]
    if given_up:
        return tuple({id(span): span for span in given_up}.values())
    mine, largest = sum(excess.over for excess in found), max(excess.over for excess in found)
    for now, sketch in _wholes(facts, steps, usual, found):
        if sketch.count < FEWEST:
            continue
        over = now - sketch.median
        if sketch.count < _MANY and now <= sketch.longest * HALF_A_BUCKET:
            continue
        enough = mine >= _MOST_OF * over or (total >= _MOST_OF * over and mine >= _MOST_OF / 2 * over)
        if enough and mine >= _LEAST_SHARE * sketch.median and over >= _VISIBLE * largest:
            return (steps[0].span,)
    return ()


def _wholes(
    facts: Facts, steps: Sequence[Occurrence], usual: Usual, found: Sequence[_Excess]
) -> Iterator[tuple[int, Sketch]]:
    """The duration of the reply, if it may have waited, and that of everything; each with the usual ones."""
    entry, causality = usual.entry, facts.causality
    if entry is None or steps[0].failed:
        return
    root = steps[0].span
    if any(excess.where != "wait" and _in_reply(facts, excess.one) for excess in found):
        yield root.duration, entry.sketch(Measure.REPLY)
    end = max(causality.end(one.span) for one in steps)
    yield end - causality.start(root), entry.sketch(Measure.WHOLE)


def _in_reply(facts: Facts, one: Occurrence) -> bool:
    while one.above is not None:
        if facts.causality.is_delivery(one.span):
            return False
        one = one.above
    return True


def _failed_above(facts: Facts, one: Occurrence) -> list[Span]:
    """The failed spans from the first call above that did not wait any longer upwards."""
    chain = [one.span]
    for above in facts.causality.ancestors(one.span):
        if facts.causality.is_delivery(chain[-1]):
            break
        chain.append(above)
    waited = next(
        (index for index, span in enumerate(chain) if span.kind == CLIENT and gave_up(span, facts.causality)),
        None,
    )
    return [] if waited is None else [span for span in chain[waited:] if has_failed(span)]


def _blamed(excess: _Excess, facts: Facts) -> str:
    span = excess.one.span
    if excess.where == "gap":
        return _callee(facts, excess.one)
    if excess.one.kind == "call":
        callee = callee_of(span, facts)
        return span.service if callee is None else callee.name
    if excess.one.kind == "publish":
        return span.messaging_system or span.service
    return span.service


def _callee(facts: Facts, call: Occurrence) -> str:
    servers = (below for below in facts.causality.below(call.span) if below.kind == SERVER)
    return next((server.service for server in servers), call.span.service)


def _claim(service: str, found: Sequence[_Excess], explained: tuple[Span, ...]) -> Claim:
    """One claim for a service; its own time comes before the time in which it could not be reached."""
    order = ("own", "gap", "wait")
    ranked = sorted(found, key=lambda excess: (order.index(excess.where), -excess.over))
    first = ranked[0]
    same = [excess for excess in ranked if excess.where == first.where and excess.one.step == first.one.step]
    sentence = _sentence(service, first, len(same))
    waited = next((excess for excess in ranked if excess.where == "wait"), None)
    if waited is not None and waited is not first:
        sentence += (
            f"; the message had waited {milliseconds(waited.took)} before, "
            f"usually {milliseconds(waited.sketch.median)}"
        )
    return Claim(
        kind="slow",
        service=service,
        operation=first.one.operation,
        sentence=sentence,
        spans=_proof(ranked),
        explains=explained,
        usual=first.sketch.median / NS_PER_MS,
        examples=first.examples,
        weight=sum(excess.over for excess in found),
    )


def _proof(ranked: Sequence[_Excess]) -> tuple[Span, ...]:
    """The slow spans; after the first one, the call or the message that led to it."""
    first = ranked[0]
    spans = [first.one.span]
    above = first.one.above
    if above is not None and (first.where == "wait" or (first.where == "own" and above.kind == "call")):
        spans.append(above.span)
    spans += [excess.one.span for excess in ranked[1:]]
    return tuple({id(span): span for span in spans}.values())


def _sentence(service: str, excess: _Excess, times: int) -> str:
    usual = usually(excess.sketch, excess.examples)
    took, span = milliseconds(excess.took), excess.one.span
    each = f" in one of {times} such steps" if times > 1 else ""
    if excess.where == "gap":
        return f"the network between {span.service} and {service}, or both ends, took {took}{each}, {usual}"
    if excess.where == "wait":
        return f"{service} took the message from {span.topic or 'the queue'} only after {took}, {usual}"
    if excess.one.kind == "call":
        return f"{service} took {took} to answer {span.service}{each}, {usual}"
    if excess.one.kind == "publish":
        return f"{service} took {took} to take a message from {span.service}{each}, {usual}"
    return f"{service} took {took}{each}, {usual}"
