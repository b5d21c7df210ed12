"""Something took far longer than usual, and that explains why the whole did."""

from collections.abc import Sequence
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.profiles.sketch import Measure, Sketch
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.profiles.usual import FEWEST, Usual
from laban_mapper.spans import CLIENT, NS_PER_MS, SERVER
from laban_mapper.spans import failed as has_failed
from laban_mapper.story.causes.callees import callee_of
from laban_mapper.story.causes.comparing import HALF_A_BUCKET, milliseconds, usually
from laban_mapper.story.causes.excesses import Excess, excesses, scattered, steps_below
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import gave_up
from laban_mapper.story.causes.requests import Request, requests_of

_LEAST_SHARE: Final = 0.05
"""The share of the usual whole below which an excess is not worth a word."""
_MUCH: Final = 0.3
"""The share of what a request usually takes from which on an excess is much, whatever else took long, too."""
_MOST_OF: Final = 0.5
"""The share of the excess of the whole that a cause explains."""
_VISIBLE: Final = 0.25
"""The share of an excess that something waited for at least; else it was in nobody's way."""
_MANY: Final = 100
"""Examples from which on the ways that a step can take are known. With fewer, the whole is a witness, too:
where steps have a slower way that too few examples took, the whole has taken as long before."""


def slow(facts: Facts) -> list[Claim]:
    """Find the services whose own time, or whose way to be reached, explains why a request took long."""
    claims: list[Claim] = []
    apart = scattered(facts)
    for root, steps in facts.steps.items():
        usual = facts.usual.get(root)
        if usual is None or not steps or usual.examples < FEWEST:
            continue
        found = list(excesses(facts, steps, usual, apart))
        requests = requests_of(found, steps_below(steps), usual, facts.causality) if found else []
        by_service: dict[str, list[Excess]] = {}
        for excess in found:
            by_service.setdefault(_blamed(excess, facts), []).append(excess)
        total = sum(excess.over for excess in found)
        for service, same in by_service.items():
            explained = _given_up(facts, same) or _of_requests(requests, same)
            explained = explained or _of_everything(facts, steps, usual, same, total)
            if explained:
                claims.append(_claim(service, same, explained))
    return claims


def _given_up(facts: Facts, found: Sequence[Excess]) -> tuple[Span, ...]:
    """The calls that failed because they were given up."""
    spans = [span for excess in found for span in _failed_above(facts, excess.one)]
    return tuple({id(span): span for span in spans}.values())


def _of_requests(requests: Sequence[Request], found: Sequence[Excess]) -> tuple[Span, ...]:
    """The requests that took longer because of these excesses."""
    own = {id(excess) for excess in found}
    explained: list[Span] = []
    for request in requests:
        mine = [(excess.over, waited) for excess, waited in request.found if id(excess) in own]
        waited, over, usual = sum(part for _, part in mine), request.over, request.sketch.median
        if not mine or over <= 0 or waited < _VISIBLE * max(excess for excess, _ in mine):
            continue
        if request.sketch.count < _MANY and _has_taken(request.top.span.duration, request.sketch):
            continue
        if _is_most(waited, request.waited, over, usual) or waited >= _MUCH * usual:
            explained.append(request.top.span)
    return tuple(explained)


def _of_everything(
    facts: Facts, steps: Sequence[Occurrence], usual: Usual, found: Sequence[Excess], total: float
) -> tuple[Span, ...]:
    """The entry if it took longer until all that follows from it was done."""
    entry, causality = usual.entry, facts.causality
    if entry is None or steps[0].failed or entry.sketch(Measure.WHOLE).count < FEWEST:
        return ()
    sketch = entry.sketch(Measure.WHOLE)
    now = max(causality.end(one.span) for one in steps) - causality.start(steps[0].span)
    mine, largest = sum(excess.over for excess in found), max(excess.over for excess in found)
    if sketch.count < _MANY and _has_taken(now, sketch):
        return ()
    over = now - sketch.median
    is_cause = _is_most(mine, total, over, sketch.median) and over >= _VISIBLE * largest
    return (steps[0].span,) if is_cause else ()


def _is_most(mine: float, total: float, over: float, usual: float) -> bool:
    """Whether an excess explains the excess of a whole, alone or with others; times in ns."""
    enough = mine >= _MOST_OF * over or (total >= _MOST_OF * over and mine >= _MOST_OF / 2 * over)
    return enough and mine >= _LEAST_SHARE * usual


def _has_taken(now: int, sketch: Sketch) -> bool:
    """Whether a whole has taken as long before."""
    return now <= sketch.longest * HALF_A_BUCKET


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


def _blamed(excess: Excess, facts: Facts) -> str:
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


def _claim(service: str, found: Sequence[Excess], explained: tuple[Span, ...]) -> Claim:
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


def _proof(ranked: Sequence[Excess]) -> tuple[Span, ...]:
    """The slow spans; after the first one, the call or the message that led to it."""
    first = ranked[0]
    spans = [first.one.span]
    above = first.one.above
    if above is not None and (first.where == "wait" or (first.where == "own" and above.kind == "call")):
        spans.append(above.span)
    spans += [excess.one.span for excess in ranked[1:]]
    return tuple({id(span): span for span in spans}.values())


def _sentence(service: str, excess: Excess, times: int) -> str:
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
