"""A recorded trace as a graph of events: what ran below what, in which order, and what waited for what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from laban.vocabulary import LABAN_CIRCUIT_STATE, LABAN_TIMEOUT_MS, LABAN_TIMEOUT_SCOPE, NO_TIMEOUT
from laban_collector.store.rows import Span
from laban_mapper.profiles.steps import operation_without_ids, own_name, step_id
from laban_mapper.spans import (
    CLIENT,
    NS_PER_MS,
    SERVER,
    failed,
    is_consuming,
    is_publishing,
    is_receiving,
    is_refusal,
    is_settling,
    operation_of,
    timed_out,
)
from laban_mapper.story.causality import Causality

Role = Literal["call", "visit", "publish", "work"]
Edge = tuple[str, str]
"""Caller and callee."""

DEEPEST: Final = 100
"""Levels of spans of a trace that can be replayed."""


@dataclass(eq=False, slots=True)
class Node:
    """A span of a trace. Times are in ns, by corrected clocks.

    Attributes:
        key: hash of the path of operations that leads to it.
        role: a call of another service, the visit of a service, the publication of a message, or work inside
            a service.
        callee: of a call: the service that answered it; None if no span tells.
        outside: of a call: names of what it called, if that sends no spans.
        delay: of what a message led to: from the begin of its publication.
        below: the calls, visits, publications and works directly below.
        units: the same by start; attempts of one call are one unit.
        deliveries: what messages that it published led to.
        visit: the nearest visit above; None for the first node.
        timeout: how long its caller waits at most, as recorded; None if unknown.
        unlimited: whether its caller waits without a limit, as recorded.
        guarded: whether a circuit breaker let it through.
    """

    span: Span
    key: int
    role: Role
    start: int
    end: int
    failed: bool
    parent: "Node | None"
    callee: str | None = None
    outside: tuple[str, ...] = ()
    delay: int | None = None
    below: "list[Node]" = field(default_factory=list["Node"])
    units: "list[Unit]" = field(default_factory=list["Unit"])
    deliveries: "list[Node]" = field(default_factory=list["Node"])
    visit: "Node | None" = None
    timeout: int | None = None
    unlimited: bool = False
    guarded: bool = False
    layout: "object | None" = None
    """What the replay knows about its order; kept between replays."""

    @property
    def duration(self) -> int:
        """How long it took, ns."""
        return self.end - self.start

    @property
    def edge(self) -> Edge | None:
        """Caller and callee, if it is a call, or a visit whose call has no span of its own."""
        if self.role == "call":
            name = self.callee or (self.outside[0] if self.outside else None)
            return None if name is None else (self.span.service, name)
        above = self.parent
        if self.role != "visit" or above is None or above.role == "call" or self.delay is not None:
            return None
        return (above.span.service, self.span.service)

    @property
    def gave_up(self) -> bool:
        """Whether the caller stopped waiting; an answer may tell of a timeout, too."""
        if self.role != "call" or not (self.failed and timed_out(self.span)):
            return False
        answer = self.answering
        return answer is None or not answer.failed or answer.end > self.end

    @property
    def unanswered(self) -> bool:
        """Whether no span tells of an answer after the caller had given up."""
        return self.gave_up and (self.answering is None or self.answering.end <= self.end)

    @property
    def answering(self) -> "Node | None":
        """The visit that answered a call; None if no span tells."""
        return next((one for one in self.below if one.role == "visit"), None)


@dataclass(eq=False, slots=True)
class Unit:
    """One call with all its attempts, or one other node, as its parent sees it."""

    nodes: list[Node]

    @property
    def first(self) -> Node:
        """The first attempt."""
        return self.nodes[0]

    @property
    def start(self) -> int:
        """When the first attempt began."""
        return self.nodes[0].start

    @property
    def end(self) -> int:
        """When the last attempt ended."""
        return self.nodes[-1].end

    @property
    def failed(self) -> bool:
        """Whether the last attempt failed."""
        return self.nodes[-1].failed

    @property
    def in_trouble(self) -> bool:
        """Whether the last attempt failed, and not because the request was wrong or in vain."""
        return self.failed and not is_refusal(self.nodes[-1].span)


def graph_of(causality: Causality, root: Span) -> Node | None:
    """The graph below the root of a trace; None if it is too deep to be replayed.

    Args:
        causality: the spans of the trace, and of the traces that follow from it.
        root: the request, job or message with which it begins.
    """
    first = _node(causality, root, None)
    waiting = [(first, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEEPEST:
            return None
        below = [_node(causality, span, node) for span in _below(causality, node.span)]
        node.below = [one for one in below if one.delay is None]
        node.deliveries = [one for one in below if one.delay is not None]
        waiting += [(one, depth + 1) for one in below]
    for node in walk(first):
        if node.role == "call":
            answering = node.answering
            node.callee = None if answering is None else answering.span.service
            if answering is None and any(one.role == "call" for one in node.below):
                node.role = "work"  # a library around the library that made the call
    return first


def walk(first: Node) -> Iterator[Node]:
    """A node and all below it, also what its messages led to."""
    waiting = [first]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.deliveries
        waiting += node.below


def _below(causality: Causality, span: Span) -> Iterator[Span]:
    """The effects of a span. A poll that fetched a message is left out for what processed the message."""
    for effect in causality.effects(span):
        processing = [one for one in causality.effects(effect) if is_consuming(one)]
        if is_receiving(effect) and causality.is_delivery(effect) and processing:
            yield from processing
        else:
            yield effect


def _node(causality: Causality, span: Span, above: Node | None) -> Node:
    role = _role(causality, span, above)
    key = step_id(
        0 if above is None else above.key,
        span.namespace,
        own_name(span),
        operation_without_ids(span),
        role,
        span.group,
    )
    start, end = causality.start(span), causality.end(span)
    node = Node(span, key, role, start, max(end, start), failed(span), above)
    if above is not None:
        node.visit = above if above.role == "visit" else above.visit
        if _is_delivered(causality, span, above):
            node.delay = 0 if causality.clocks.is_guess(span) else start - above.start
    if role == "call":
        node.outside = _outside(span)
        limit = span.attributes.get(LABAN_TIMEOUT_MS)
        if isinstance(limit, int | float) and limit > 0:
            node.timeout = int(limit * NS_PER_MS)
        node.guarded = LABAN_CIRCUIT_STATE in span.attributes
        node.unlimited = span.attributes.get(LABAN_TIMEOUT_SCOPE) == NO_TIMEOUT
    return node


def _is_delivered(causality: Causality, span: Span, above: Node) -> bool:
    """Whether a message led to the span; what processes a polled message is delivered with it."""
    cause = causality.cause(span)
    return causality.is_delivery(span) or (cause is not None and cause is not above.span)


def _role(causality: Causality, span: Span, above: Node | None) -> Role:
    if is_publishing(span):
        return "publish"
    if span.kind == CLIENT and not (is_receiving(span) or is_settling(span)):
        return "call"
    if above is None or span.kind == SERVER or span.service != above.span.service:
        return "visit"
    return "visit" if _is_delivered(causality, span, above) else "work"


def _outside(span: Span) -> tuple[str, ...]:
    """What a call says about its callee, the best name first."""
    if span.db_system is not None:
        names: Sequence[str | None] = (span.db_namespace, span.db_system, span.peer_address)
    else:
        names = (span.peer_service, span.rpc_service, span.peer_address)
    return tuple(dict.fromkeys(name for name in names if name))


def join_attempts(node: Node) -> None:
    """Find the units of a node: a call that fails and is made again is one unit with its next attempt.

    Two calls are the same if their keys are, so their callees have to be known.
    """
    units: list[Unit] = []
    open_calls: dict[tuple[int, str], Unit] = {}
    for below in sorted(node.below, key=lambda one: (one.start, one.end)):
        place = (below.key, operation_of(below.span))
        before = open_calls.get(place)
        if below.role == "call" and before is not None and before.in_trouble and before.end <= below.start:
            before.nodes.append(below)
            continue
        unit = Unit([below])
        units.append(unit)
        if below.role == "call":
            open_calls[place] = unit
    node.units = units
