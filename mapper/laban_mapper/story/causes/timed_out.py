"""A caller gave up while its callee ran: the wait is the caller's, the time is the callee's."""

from laban_collector.store.rows import Span
from laban_mapper.names import shortened
from laban_mapper.spans import NS_PER_MS, error_of, operation_of
from laban_mapper.story.causes.callees import Callee, callee_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import waiting_call
from laban_mapper.story.root_cause import Origin, server_half
from laban_mapper.times import format_duration


def timed_out(facts: Facts) -> list[Claim]:
    """One claim for each call that was given up."""
    found: dict[int, Claim] = {}
    for origin in facts.origins:
        call = waiting_call(origin, facts.causality)
        if call is not None:
            found.setdefault(id(call), _claim(call, origin, facts))
    return list(found.values())


def _claim(call: Span, origin: Origin, facts: Facts) -> Claim:
    chain = origin.chain[origin.chain.index(call) :]
    waited = format_duration(call.duration / NS_PER_MS)
    server = server_half(call, facts.causality)
    spans: tuple[Span, ...]
    if server is None:
        callee = callee_of(call, facts) or Callee(call.service)
        why = f"no answer within {waited} ({error_of(call) or 'error'})"
        text, operation, spans = callee.text, operation_of(call), (call,)
    else:
        took = format_duration(server.duration / NS_PER_MS)
        callee = Callee(server.service)
        why = f"answered after {took}; {call.service} gave up after {waited}"
        text, operation, spans = shortened(server.service), operation_of(server), (server, call)
    return Claim(
        kind="timed_out",
        service=callee.name,
        operation=operation,
        sentence=f"{text} {shortened(operation)}: {why}",
        spans=spans,
        explains=chain,
        error=why,
        weight=call.duration,
    )
