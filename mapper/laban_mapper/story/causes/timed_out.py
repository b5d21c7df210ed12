"""A caller gave up while its callee ran: the wait is the caller's, the time is where it was spent."""

from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.names import shortened
from laban_mapper.spans import CLIENT, NS_PER_MS, error_of, operation_of
from laban_mapper.story.causes.callees import Callee, callee_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import waiting_call
from laban_mapper.story.causes.last_span import last_span
from laban_mapper.story.causes.own_times import Spent, spent_below
from laban_mapper.story.root_cause import Origin, server_half
from laban_mapper.times import format_duration

_MOST: Final = 5
"""The most calls of a story that are looked into."""


def timed_out(facts: Facts) -> list[Claim]:
    """One claim for each call that was given up."""
    found: dict[int, Claim] = {}
    for origin in facts.origins:
        call = waiting_call(origin, facts.causality)
        if call is not None and id(call) not in found and len(found) < _MOST:
            found[id(call)] = _claim(call, origin, facts)
    return list(found.values())


def _claim(call: Span, origin: Origin, facts: Facts) -> Claim:
    spent = next(iter(spent_below(call, facts)), None) or _all_of(call, facts)
    operation, waited = operation_of(spent.span), format_duration(call.duration / NS_PER_MS)
    took = _took(spent, call, facts)
    gave_up = "" if spent.span is call else f"; {shortened(call.service)} gave up after {waited}"
    return Claim(
        kind="timed_out",
        service=spent.callee.name,
        operation=operation,
        sentence=f"{_subject(spent)} {took}{gave_up}",
        spans=(spent.span,) if spent.span is call else (spent.span, call),
        explains=origin.chain if call in origin.chain else (call, *origin.chain),
        error=f"{took}{gave_up}",
        usual=spent.usual_ms,
        examples=spent.examples,
        weight=call.duration,
    )


def _all_of(call: Span, facts: Facts) -> Spent:
    """All time of a call, if nothing tells where it went."""
    server = server_half(call, facts.causality)
    callee = Callee(server.service) if server is not None else callee_of(call, facts)
    took = call.duration if server is None else server.duration
    return Spent(callee or Callee(call.service), operation_of(server or call), server or call, took, took, 1)


def _subject(spent: Spent) -> str:
    return f"the network to {spent.callee.text}" if spent.between else spent.callee.text


def _took(spent: Spent, call: Span, facts: Facts) -> str:
    time = format_duration(spent.own / NS_PER_MS)
    operation = shortened(operation_of(spent.span))
    if spent.span.kind == CLIENT and not spent.between:
        why = error_of(spent.span)
        seen = last_span(spent.callee, call, facts)
        return f"gave no answer within {time} to {shortened(spent.span.service)} {operation}" + (
            (f" ({why})" if why else "") + usually(spent) + (f", {seen}" if seen else "")
        )
    visits = f" in {spent.visits:,} visits" if spent.visits > 1 else ""
    return f"took {time}{visits} for {operation}{usually(spent)}"


def usually(spent: Spent) -> str:
    """The usual value beside a time: `, usually 12 ms (380 traces)`."""
    if spent.usual_ms is None:
        return ""
    return f", usually {format_duration(spent.usual_ms)} ({spent.examples:,} traces)"
