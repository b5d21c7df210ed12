"""L011: retries that multiply the load, most of all where they are nested."""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Final, NamedTuple

from laban.vocabulary import HTTP_RESEND_COUNT, LABAN_RETRY_ATTEMPT
from laban_collector.store.rows import Span
from laban_mapper.findings.calls import Call, calls_of
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import shortened

_FEWEST: Final = 3


class _Attempts(NamedTuple):
    """The attempts at one call.

    Attributes:
        trace: of them.
        calls: the spans of the attempts.
        made: how many; one span may stand for several.
        nested: the attempts of calls above that were retried too, multiplied.
    """

    trace: SampledTrace
    calls: Sequence[Call]
    made: int
    nested: int


def _find(system: System) -> Iterator[Found]:
    places: dict[tuple[str, str, str], list[_Attempts]] = {}
    for trace in system.traces:
        for one in _attempts(trace):
            call = one.calls[0]
            places.setdefault((call.caller.span.service, call.service, call.operation), []).append(one)
    for place, found in sorted(places.items()):
        retried = [one for one in found if one.made > 1]
        if len(retried) < max(_FEWEST, system.thresholds.retry_share * len(found)):
            continue
        factor = fmean(one.made for one in found)
        most = max(one.made * one.nested for one in retried)
        if factor >= system.thresholds.retry_factor or most >= system.thresholds.retry_attempts:
            yield _found(place, found, retried, factor, most)


def _attempts(trace: SampledTrace) -> list[_Attempts]:
    """The calls of a trace, those that are attempts at the same thing together."""
    groups: dict[tuple[int, str, str], list[list[Call]]] = {}
    for call in calls_of(trace):
        same = groups.setdefault((id(call.caller.span), call.service, call.operation), [])
        if same and _repeats(call, same[-1][-1], trace):
            same[-1].append(call)
        else:
            same.append([call])
    counts: dict[int, int] = {}
    every = [calls for same in groups.values() for calls in same]
    for calls in every:
        count = max(len(calls), max(_number(call.step.span) for call in calls))
        counts |= {id(call): count for call in calls}
    return [_Attempts(trace, calls, counts[id(calls[0])], _nested(calls[0], counts)) for calls in every]


def _repeats(call: Call, before: Call, trace: SampledTrace) -> bool:
    """Whether a call is another attempt: it began after the same call had failed, or says so itself."""
    after = trace.causality.start(call.step.span) >= trace.causality.end(before.step.span)
    return after and (before.failed or _number(call.step.span) > 1)


def _number(span: Span) -> int:
    """Which attempt a span is, by its own word; 1 if it does not say."""
    attempt, resent = span.attributes.get(LABAN_RETRY_ATTEMPT), span.attributes.get(HTTP_RESEND_COUNT)
    if isinstance(attempt, int) and attempt > 0:
        return attempt
    return resent + 1 if isinstance(resent, int) and resent > 0 else 1


def _nested(call: Call, counts: dict[int, int]) -> int:
    product = 1
    for above in call.chain()[:-1]:
        product *= counts[id(above)]
    return product


def _found(
    place: tuple[str, str, str], found: list[_Attempts], retried: list[_Attempts], factor: float, most: int
) -> Found:
    caller, callee, operation = place
    nested = max(one.nested for one in retried)
    vain = sum(one.calls[-1].failed for one in retried)
    attempts = max(one.made for one in retried)
    sentence = (
        f"{caller} calls {callee} {shortened(operation)} {factor:.1f} times where once was meant "
        f"({len(retried):,} of {len(found):,} calls were retried, up to {attempts:,} attempts; "
        f"{vain:,} failed in the end)"
    )
    if nested > 1:
        sentence += f"; callers above retry too: up to {most:,} calls for one request"
    return Found(
        place=f"{caller} → {callee} {shortened(operation)}",
        sentence=sentence,
        numbers={
            "factor": factor,
            "retried": len(retried),
            "of": len(found),
            "attempts_max": attempts,
            "for_one_request_max": most,
            "failed": vain,
        },
        traces=proofs(one.trace for one in sorted(retried, key=lambda one: -one.made * one.nested)),
    )


RULE = Rule(
    code="L011",
    name="retry-storm",
    severity="warning",
    why="Retries send the most load to a service when it can bear the least, and retries of retries "
    "multiply.",
    advice="Retry in one place of a chain, a few times, with growing and random waits, and only what can "
    "succeed. If the caller does not need the answer now, a topic keeps the work until the service is back.",
    find=_find,
    compares="The attempts (the same call again after it failed, or as the spans say) with the calls that "
    "were meant: their ratio with `retry_factor`, the attempts for one request, also by callers above that "
    "retry, with `retry_attempts`; where at least `retry_share` of the calls were retried.",
    thresholds=("retry_factor", "retry_attempts", "retry_share"),
    example="order calls pricing shop.Pricing/Quote 3.0 times where once was meant (30 of 30 calls were "
    "retried, up to 3 attempts; 30 failed in the end)",
)
