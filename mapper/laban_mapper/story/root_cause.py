"""Finds the root cause of a failure: the deepest failed span below the span that failed."""

from collections.abc import Mapping
from dataclasses import dataclass

from laban_collector.store.rows import Peer, Span
from laban_mapper.model import RootCause
from laban_mapper.spans import (
    CLIENT,
    INTERNAL,
    NS_PER_MS,
    SERVER,
    UNSPECIFIED,
    error_of,
    failed,
    operation_of,
    timed_out,
)
from laban_mapper.story.causality import Causality
from laban_mapper.story.messages import dead_letter_of, reason_of
from laban_mapper.times import format_duration


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed span and its root cause.

    Attributes:
        failed: the failed request, or the consumer span that gave up.
        cause: the root cause.
        chain: the services that failed because of the root cause, the nearest to it first.
    """

    failed: Span
    cause: RootCause
    chain: tuple[str, ...]


def explain(span: Span, causality: Causality, peers: Mapping[Peer, str]) -> Failure:
    """Find the root cause: follow the errors down through synchronous calls to the deepest one.

    Args:
        span: a failed span, or a span whose failure was caught (a dead-lettered message).
        causality: the spans around it.
        peers: the service at each address, for client spans without a server span.
    """
    deepest = _deepest(span, causality)
    callee = _callee(deepest, causality)
    chain = _chain(span, deepest, causality)
    if callee is not None:
        cause = RootCause(
            service=callee.service,
            operation=operation_of(callee),
            error=_too_slow(deepest, callee, causality),
        )
        return Failure(span, cause, _without(callee.service, chain))
    service = deepest.service
    if deepest.kind == CLIENT:
        service = peer_name(deepest, peers) or service
    error = error_of(deepest) or reason_of(dead_letter_of(deepest, causality)) or "gave up"
    if timed_out(deepest):
        error = f"no answer within {format_duration(deepest.duration / NS_PER_MS)} ({error})"
    cause = RootCause(service=service, operation=operation_of(deepest), error=error)
    return Failure(span, cause, _without(service, chain))


def peer_of(span: Span) -> Peer:
    """The address and RPC service that a client span called."""
    return Peer(span.peer_address, span.peer_port, span.rpc_service)


def peer_name(span: Span, peers: Mapping[Peer, str]) -> str | None:
    """A name for the callee of a client span: the service at its address, or what the span itself names."""
    known = peers.get(peer_of(span)) or span.peer_service
    if known:
        return known
    if span.db_system:
        return span.db_system
    if span.peer_address:
        return f"{span.peer_address}:{span.peer_port}" if span.peer_port else span.peer_address
    return span.rpc_service


def _deepest(span: Span, causality: Causality) -> Span:
    """The deepest failed effect; of several, the last one to end, because the caller gave up on that one."""
    failing = _failing(span, causality)
    while True:
        calls = [effect for effect in causality.effects(span) if not causality.is_delivery(effect)]
        errors = [call for call in calls if id(call) in failing]
        if not errors:
            return span
        span = max(errors, key=lambda call: (failed(call), causality.end(call)))


def _failing(span: Span, causality: Causality) -> set[int]:
    """The ids of the spans below that failed, and of internal spans with such a span below them."""
    below = list(causality.below(span, across_messages=False))
    inside: set[int] = set()
    for effect in reversed(below):
        if failed(effect) or id(effect) in inside:
            inside.add(id(effect))
            inside.add(id(causality.cause(effect)))
    return {
        id(effect)
        for effect in below
        if failed(effect) or (effect.kind in {UNSPECIFIED, INTERNAL} and id(effect) in inside)
    }


def _callee(span: Span, causality: Causality) -> Span | None:
    """The server span of a failed call whose server reported no error."""
    if span.kind != CLIENT:
        return None
    servers = [effect for effect in causality.effects(span) if effect.kind == SERVER]
    return servers[0] if servers else None


def _too_slow(client: Span, callee: Span, causality: Causality) -> str:
    took = format_duration(callee.duration / NS_PER_MS)
    waited = format_duration(client.duration / NS_PER_MS)
    if causality.end(callee) > causality.end(client) or timed_out(client):
        return f"answered after {took}; {client.service} gave up after {waited}"
    return error_of(client) or "error"


def _chain(span: Span, deepest: Span, causality: Causality) -> tuple[str, ...]:
    services = [deepest.service]
    for above in causality.ancestors(deepest):
        services.append(above.service)
        if above is span:
            break
    return tuple(dict.fromkeys(services))


def _without(service: str, chain: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in chain if name != service)
