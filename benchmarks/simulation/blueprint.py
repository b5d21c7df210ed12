"""What a simulated system consists of: services, operations, what each does in which order, and topics."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

MS: Final = 1_000_000
S: Final = 1_000_000_000

Style = Literal["laban", "java", "python"]
Protocol = Literal["http", "grpc", "consume", "job"]
Sampling = Literal["none", "head", "tail", "service"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Random durations: lognormal, optionally with a second mode (a cache) and with rare long ones.

    Attributes:
        median: in ms.
        sigma: of the logarithm.
        slow_median: the median of the slow mode; None without one.
        slow_share: how often the slow mode occurs.
        tail_share: how often a duration is `tail_factor` times as long.
    """

    median: float
    sigma: float
    slow_median: float | None = None
    slow_share: float = 0.0
    tail_share: float = 0.0
    tail_factor: float = 1.0

    def draw(self, numbers: random.Random, factor: float = 1.0) -> int:
        """Draw a duration in ns. With a factor, it is that many times what is usual in the slow mode."""
        median = self.median
        if self.slow_median is not None and (factor > 1 or numbers.random() < self.slow_share):
            median = self.slow_median
        ms = median * numbers.lognormvariate(0, self.sigma) * factor
        if factor == 1 and self.tail_share and numbers.random() < self.tail_share:
            ms *= self.tail_factor
        return max(int(ms * MS), 1_000)

    @property
    def mean(self) -> float:
        """About the mean, in ms."""
        slow = self.median if self.slow_median is None else self.slow_median
        return self.median * (1 - self.slow_share) + slow * self.slow_share

    @property
    def longest(self) -> float:
        """The median of the slowest mode, in ms."""
        return self.median if self.slow_median is None else self.slow_median


@dataclass(eq=False, slots=True)
class Service:
    """A service.

    Attributes:
        style: the instrumentation that makes its spans.
        skew: how far its clock is ahead, in ns.
        address: how its callers write it: a name of a host, or an IP address.
        exports: the share of traces of which it exports its spans, whatever its callers decided.
    """

    name: str
    style: Style
    skew: int
    address: str
    port: int
    namespace: str | None = None
    exports: float = 1.0


@dataclass(frozen=True, slots=True)
class Database:
    """A database, which sends no spans."""

    system: str
    name: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class External:
    """A service of somebody else, which sends no spans."""

    address: str
    path: str


@dataclass(eq=False, slots=True)
class Topic:
    """A topic and the groups that consume it."""

    name: str
    partitions: int
    groups: list["Group"] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Group:
    """A consumer group.

    Attributes:
        operation: what it does with a message.
        wait: the time of a message in the queue.
        linked: whether it processes a message in a new trace that links to the publisher.
        attempts: how often it tries, before it gives the message up.
        dead_letters: the topic for messages that it gave up; None: it drops them.
    """

    name: str
    operation: "Operation"
    wait: Timing
    linked: bool
    attempts: int
    dead_letters: str | None


Target = "Operation | Database | External | Topic"


@dataclass(eq=False, slots=True)
class Action:
    """Something that an operation does: a call, a query, or the publication of an event.

    Attributes:
        verb: what it is called on the wire: a method, a statement, or the type of an event.
        timing: of the callee without spans; of a publication, until the broker acknowledges.
        network: of each direction.
        chance: how often it is done.
        attempts: how often the caller tries.
        timeout: ms after which the caller gives up; None: it waits.
        handles: whether the caller continues without an answer.
        misses: how often the callee answers 404, which the caller expects.
    """

    target: "Operation | Database | External | Topic"
    verb: str
    timing: Timing
    network: Timing
    chance: float = 1.0
    attempts: int = 1
    timeout: float | None = None
    handles: bool = False
    misses: float = 0.0


@dataclass(eq=False, slots=True)
class Operation:
    """An operation of a service.

    Attributes:
        name: a route, an RPC method, a topic, or the name of a job.
        timing: its own time.
        stages: what it does, one stage after the other; the actions of a stage run at the same time.
        inner: the name of an internal span around the stages; None without one.
    """

    service: Service
    protocol: Protocol
    verb: str
    name: str
    timing: Timing
    stages: list[list[Action]] = field(default_factory=list)
    inner: str | None = None

    def actions(self) -> Iterator[Action]:
        """All its actions."""
        for stage in self.stages:
            yield from stage


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation that orders enter by, and its share of the orders."""

    operation: Operation
    share: float
    unseen_caller: bool
    """Whether a caller that exports no spans is the parent of its root spans."""


@dataclass(slots=True)
class System:
    """A system of services.

    Attributes:
        keys_everywhere: whether each span has the ID of the order, instead of the first one of a request.
        sampled: the share of the traces that sampling keeps.
        lost: the share of spans that get lost.
        event_ids: whether the spans of messages have the ID of the event.
        polled: whether the lag of its groups is polled.
        failures: the share of calls whose first attempt fails without a fault.
    """

    services: list[Service]
    entries: list[Entry]
    topics: list[Topic]
    orders: str
    keys_everywhere: bool
    event_ids: bool
    sampling: Sampling
    sampled: float
    lost: float
    polled: bool
    failures: float
    begin: int
    duration: int


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a system: an operation, the action of its caller that leads to it, and its share of orders.

    Attributes:
        caller: the operation whose action it is; None for an entry.
        action: None for an entry, and for what a group does.
        group: the group, if the operation is what a group does.
        target: the callee of the action, or the operation of an entry or a group.
        share: the share of the orders that pass it.
        depth: how many operations are above it.
        observed: whether all that leads to it is in the trace of the entry.
        above: the place of the caller.
    """

    caller: Operation | None
    action: Action | None
    group: Group | None
    target: "Operation | Database | External | Topic"
    share: float
    depth: int
    observed: bool
    above: "Place | None"


def places(system: System) -> Iterator[Place]:
    """Every place of a system, along each path from an entry."""
    for entry in system.entries:
        first = Place(None, None, None, entry.operation, entry.share, 0, True, None)
        yield first
        yield from _below(first, entry.operation)


def _below(above: Place, operation: Operation) -> Iterator[Place]:
    for action in operation.actions():
        here = Place(
            operation,
            action,
            None,
            action.target,
            above.share * action.chance,
            above.depth + 1,
            above.observed,
            above,
        )
        yield here
        if isinstance(action.target, Operation):
            yield from _below(here, action.target)
        elif isinstance(action.target, Topic):
            for group in action.target.groups:
                seen = here.observed and not group.linked
                work = Place(operation, None, group, group.operation, here.share, here.depth + 1, seen, here)
                yield work
                yield from _below(work, group.operation)
