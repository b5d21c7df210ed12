"""Where a failure began: down from what failed to the deepest thing that explains it."""

from collections.abc import Mapping
from dataclasses import dataclass

from laban_collector.store.base import Peer, Span
from laban_mapper.model import RootCause
from laban_mapper.spans import (
    CLIENT,
    CONSUMER,
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
from laban_mapper.times import in_words


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed and why.

    Attributes:
        failed: the entry that somebody outside saw fail, or the consumer that gave up.
        blame: the span where it began.
        cause: the same in words.
        chain: the services that failed because of it, from the one nearest to the cause outwards.
        gave_up: the span that ran out of time waiting for `blame`, where that is what happened.
    """

    failed: Span
    blame: Span
    cause: RootCause
    chain: tuple[str, ...]
    gave_up: Span | None = None


def explain(span: Span, causality: Causality, peers: Mapping[Peer, str]) -> Failure:
    """Why `span` failed: follow the errors down, across synchronous calls, to the last one.

    Args:
        span: a span that failed, or one whose failure was caught (a dead-lettered message).
        causality: the spans around it.
        peers: which service answers at the address of a client span whose callee sent no span.
    """
    deepest = _deepest(span, causality)
    callee = _callee(deepest, causality)
    chain = _chain(span, deepest, causality)
    if callee is not None:
        cause = RootCause(
            service=callee.service, operation=operation_of(callee), error=_too_slow(deepest, callee)
        )
        return Failure(span, callee, cause, _without(callee.service, chain), gave_up=deepest)
    service = deepest.service
    if deepest.kind == CLIENT:
        service = peer_name(deepest, peers) or service
    error = error_of(deepest) or reason_of(dead_letter_of(deepest, causality)) or "gave up"
    if timed_out(deepest):
        error = f"no answer within {in_words(deepest.duration / NS_PER_MS)} ({error})"
    cause = RootCause(service=service, operation=operation_of(deepest), error=error)
    gave_up = deepest if deepest.kind == CLIENT else None
    return Failure(span, deepest, cause, _without(service, chain), gave_up=gave_up)


def peer_of(span: Span) -> Peer:
    """Whom a client span called."""
    return Peer(span.peer_address, span.peer_port, span.rpc_service)


def peer_name(span: Span, peers: Mapping[Peer, str]) -> str | None:
    """A name for whom a client span called: the service there, or what the span itself says."""
    known = peers.get(peer_of(span)) or span.peer_service
    if known:
        return known
    if span.db_system:
        return span.db_system
    if span.peer_address:
        return f"{span.peer_address}:{span.peer_port}" if span.peer_port else span.peer_address
    return span.rpc_service


def _deepest(span: Span, causality: Causality) -> Span:
    """Down through failed effects; of several, the last one to end, for its caller gave up on it."""
    while True:
        errors = [e for e in causality.effects(span) if e.kind != CONSUMER and _failed_below(e, causality)]
        if not errors:
            return span
        span = max(errors, key=lambda effect: (failed(effect), effect.end))


def _failed_below(span: Span, causality: Causality) -> bool:
    """An error, here or, under a span inside the same service that does not show it, further down."""
    if failed(span) or span.kind not in {UNSPECIFIED, INTERNAL}:
        return failed(span)
    return any(failed(below) for below in causality.below(span, across_messages=False))


def _callee(span: Span, causality: Causality) -> Span | None:
    """The server span of a call that the client gave up on while the server saw nothing wrong."""
    if span.kind != CLIENT:
        return None
    servers = [effect for effect in causality.effects(span) if effect.kind == SERVER]
    return servers[0] if servers else None


def _too_slow(client: Span, callee: Span) -> str:
    took = in_words(callee.duration / NS_PER_MS)
    waited = in_words(client.duration / NS_PER_MS)
    if callee.end > client.end or timed_out(client):
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
