"""The store as its users see it: one way to write, and questions by intent to read.

Rows are plain frozen values; no database type crosses this line. Times are nanoseconds since the epoch,
UTC; durations are nanoseconds; trace and span ids are lower-case hex (32 and 16 characters).
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:  # readers need no Arrow, which is slow to load
    from laban_collector.batch.span_batch import SpanBatch

MINUTE: Final = 60 * 10**9
"""ns. EdgeQuery are counted by the minute in which they began."""
MAX_ROWS: Final = 50_000
"""Rows of a list that a reader gives, at most: of latencies and of the lag."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one commit stored.

    Attributes:
        spans: rows newly stored.
        duplicates: spans that were already there, or twice in the batch.
    """

    spans: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one group is behind in one partition, at one time."""

    time: int
    cluster: str
    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    start: int
    messages: int | None
    seconds: float | None
    status: str


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span; an exception, mostly."""

    time: int
    name: str
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class Span:
    """One stored span with its resource's service, its events and the spans it links to."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: int
    start: int
    duration: int
    status: int
    status_message: str | None = None
    http_method: str | None = None
    http_route: str | None = None
    http_status: int | None = None
    rpc_system: str | None = None
    rpc_service: str | None = None
    rpc_method: str | None = None
    messaging_system: str | None = None
    messaging_operation: str | None = None
    topic: str | None = None
    group: str | None = None
    partition: int | None = None
    offset: int | None = None
    message_key: str | None = None
    batch_count: int | None = None
    peer_address: str | None = None
    peer_port: int | None = None
    peer_service: str | None = None
    db_system: str | None = None
    db_namespace: str | None = None
    error_type: str | None = None
    attributes: dict[str, object] = field(default_factory=dict[str, object])
    events: tuple[SpanEvent, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """(trace id, span id) of each linked span."""

    @property
    def end(self) -> int:
        """The end, ns since the epoch."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class TraceRef:
    """A trace in which a correlation occurs, and when."""

    trace_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One message by its address in the log."""

    topic: str
    partition: int
    offset: int


class Peer(NamedTuple):
    """Whom a client span called."""

    address: str | None
    port: int | None
    rpc_service: str | None


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """Calls from one place to another in a window of time, added up.

    `source` and `target` are node ids of the graph: `service:order`, `topic:orders`, `group:email`,
    `external:…`, `database:…`, `entry:…`. Latencies are those of the caller where it has a span, else of
    the callee; of a topic to a group the time in the queue. Milliseconds; None where nothing was measured.
    """

    source: str
    target: str
    kind: str
    protocol: str
    calls: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    by_parent: int
    by_link: int
    by_attribute: int


@dataclass(frozen=True, slots=True)
class LatencyPoint:
    """Percentiles of one edge or one route in one bucket of time. Milliseconds."""

    time: int
    name: str
    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds. `first` and `last` are None while it is empty."""

    spans: int
    traces: int
    services: tuple[str, ...]
    first: int | None
    last: int | None


class SpanWriter(Protocol):
    """The one door in."""

    def write(self, batch: "SpanBatch") -> Written:
        """Store a batch durably; when this returns, it is on disk.

        Raises:
            StoreError: nothing of the batch was stored.
        """
        ...

    def write_lag(self, rows: Sequence[Lag]) -> None:
        """Store one poll of the lag poller."""
        ...


class SpanReader(Protocol):
    """The one door out. All windows are half open, [since, until), in ns since the epoch."""

    def at_one_moment(self) -> AbstractContextManager[None]:
        """What is asked in this block, by this thread, is answered of one state of the store."""
        ...

    def contents(self) -> Contents:
        """What is in the store."""
        ...

    def extent(self) -> tuple[int, int] | None:
        """The starts of the first and the last span; None while there is none."""
        ...

    def traces_with(self, key_prefix: str, value: str, limit: int) -> list[TraceRef]:
        """Traces in which a correlation whose key starts with `key_prefix` has this value, newest first."""
        ...

    def nearest_values(self, key_prefix: str, value: str, limit: int) -> list[str]:
        """Known values nearest to `value`, the nearest first, the newest where they are equally near."""
        ...

    def recent_values(self, key_prefix: str, since: int, until: int, limit: int) -> list[tuple[str, int]]:
        """(value, last seen) of the newest correlations of the window."""
        ...

    def spans_of(self, trace_ids: Sequence[str], since: int, until: int, limit: int) -> list[Span]:
        """All spans of these traces that start in the window, by start."""
        ...

    def traces_linked_from(self, trace_ids: Sequence[str]) -> list[str]:
        """Traces with a span that links to one of these, without themselves: their consequences."""
        ...

    def traces_of_messages(self, messages: Sequence[MessageRef], since: int, until: int) -> list[str]:
        """Traces with a span on one of these messages."""
        ...

    def groups_of(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """Topic → the groups that have been seen to consume it → the service that does."""
        ...

    def callees(self, peers: Collection[Peer], since: int, until: int) -> dict[Peer, str]:
        """Which service answers there, as the calls of a window show, widened to whole minutes."""
        ...

    def edges(self, since: int, until: int) -> list[EdgeRow]:
        """All edges that began in the window; sooner where it is of whole minutes."""
        ...

    def latest_lag(self) -> list[Lag]:
        """The newest row of each (cluster, group, topic, partition)."""
        ...

    def lag_between(self, since: int, until: int) -> list[Lag]:
        """All rows in the window, by time."""
        ...

    def latency(self, by: str, since: int, until: int, bucket: int) -> list[LatencyPoint]:
        """Percentiles over time. `by` is `edge` or `route`; `bucket` is in ns."""
        ...
