"""The calls between services in a sampled trace, and which of them its reply waits for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from weakref import WeakKeyDictionary

from laban.vocabulary import LABAN_RPC_STREAMING
from laban_collector.store.rows import Span
from laban_mapper.findings.facts import SampledTrace
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.spans import CLIENT, NS_PER_MS, is_consuming, is_publishing

SLACK: Final = NS_PER_MS
"""ns by which a call may end after its caller and still be waited for: clocks and timers are not exact."""

CalleeKind = Literal["service", "database", "external"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call from one service to another, or to a database.

    Attributes:
        caller: the visit of the service that called.
        step: the call as the caller saw it; the visit of the callee if the caller has no span for it.
        callee: the visit of the callee; None if it sent no span.
        service: the name of the callee.
        kind: what the callee is: a traced service, a database, or something else without spans.
        above: the call that led to the caller; None at the entry, and in the consumer of a message.
        awaited: whether the caller waited for it: it ended before the caller did.
        in_reply: whether the reply of the entry waited for it.
    """

    caller: Occurrence
    step: Occurrence
    callee: Occurrence | None
    service: str
    kind: CalleeKind
    above: "Call | None"
    awaited: bool
    in_reply: bool

    @property
    def edge(self) -> str:
        """The caller and the callee, as a place."""
        return f"{self.caller.span.service} → {self.service}"

    @property
    def operation(self) -> str:
        """What was called, as the callee names it."""
        return (self.callee or self.step).operation

    @property
    def failed(self) -> bool:
        """Whether it failed for its caller."""
        return self.step.failed

    @property
    def ms(self) -> float:
        """How long it took for its caller."""
        return self.step.span.duration / NS_PER_MS

    def chain(self) -> "list[Call]":
        """The calls that led here, the first one first, and this one."""
        found: list[Call] = [self]
        while found[-1].above is not None:
            found.append(found[-1].above)
        return found[::-1]


_KNOWN: Final[WeakKeyDictionary[SampledTrace, list[Call]]] = WeakKeyDictionary()
"""The calls of the traces that are being looked at: ten rules ask for them."""


def calls_of(trace: SampledTrace) -> list[Call]:
    """The synchronous calls of a trace, each after the call that led to it."""
    if trace not in _KNOWN:
        _KNOWN[trace] = _find_calls(trace)
    return _KNOWN[trace]


def _find_calls(trace: SampledTrace) -> list[Call]:
    below: dict[int, list[Occurrence]] = {}
    for step in trace.steps:
        if step.above is not None:
            below.setdefault(id(step.above), []).append(step)
    root = trace.steps[0]
    reply = is_request(root.span)
    found: list[Call] = []
    waiting: list[tuple[Occurrence, Occurrence, Call | None, bool]] = [(root, root, None, reply)]
    while waiting:
        step, caller, above, in_reply = waiting.pop()
        for one in reversed(below.get(id(step), [])):
            if one.kind == "publish" or _is_message(trace, one):
                visit = one if one.kind == "visit" else caller
                waiting.append((one, visit, None if one.kind == "visit" else above, False))
                continue
            call = _call(trace, one, caller, above, below.get(id(one), []), reply=in_reply)
            if call is None:  # another part of the same service
                waiting.append((one, one, above, in_reply))
                continue
            found.append(call)
            then = call.callee or one
            waiting.append((then, then, call, call.in_reply))
    return sorted(found, key=lambda call: trace.causality.start(call.step.span))


def reply_calls(trace: SampledTrace) -> list[Call]:
    """The calls that the reply of the entry waited for."""
    return [call for call in calls_of(trace) if call.in_reply]


def handler_calls(trace: SampledTrace) -> Iterator[tuple[Occurrence, Call]]:
    """The calls that the consumers of messages waited for, each with the visit of the consumer."""
    for call in calls_of(trace):
        first = call.chain()[0].caller
        if call.awaited and is_consuming(first.span):
            yield first, call


def is_request(root: Span) -> bool:
    """Whether a root is a request with one reply: no message, and no stream that stays open."""
    return not (is_consuming(root) or is_publishing(root) or LABAN_RPC_STREAMING in root.attributes)


def services_of(trace: SampledTrace) -> list[str]:
    """All services of a trace, the entry's first."""
    return list(dict.fromkeys(one.span.service for one in trace.steps))


def is_read(operation: str) -> bool:
    """Whether an operation only reads, by the method of HTTP."""
    return operation.split(" ", 1)[0].upper() in {"GET", "HEAD", "OPTIONS"}


def _is_message(trace: SampledTrace, step: Occurrence) -> bool:
    """Whether a message led to the step, or the step is about messages."""
    span = step.span
    return trace.causality.is_delivery(span) or (step.kind == "call" and span.messaging_system is not None)


def _call(
    trace: SampledTrace,
    step: Occurrence,
    caller: Occurrence,
    above: Call | None,
    below: Sequence[Occurrence],
    *,
    reply: bool,
) -> Call | None:
    """The call of a step; None if it is neither a call nor a visit of another service."""
    callee: Occurrence | None = step
    if step.kind == "call":
        visits = [one for one in below if one.kind == "visit" and not trace.causality.is_delivery(one.span)]
        callee = next(iter(visits), None)
    elif step.span.service == caller.span.service and step.span.kind != CLIENT:
        return None
    awaited = trace.causality.end(step.span) <= trace.causality.end(caller.span) + SLACK
    service, kind = _callee(step.span, callee, caller.span.service)
    return Call(caller, step, callee, service, kind, above, awaited, reply and awaited)


def _callee(client: Span, callee: Occurrence | None, caller: str) -> tuple[str, CalleeKind]:
    if callee is not None:
        return callee.span.service, "service"
    if client.db_system is not None:
        return "/".join(filter(None, (client.db_system, client.db_namespace))), "database"  # as on the map
    port = f":{client.peer_port}" if client.peer_port else ""
    address = f"{client.peer_address}{port}" if client.peer_address else None
    name = client.peer_service or address or client.rpc_service
    return name or f"an unknown callee of {caller}", "external"
