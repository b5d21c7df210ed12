"""The seam between laban and a database: `Store`, its writer and its reader, and the rows that cross it.

A store is one folder next to `duckdb/` that implements `Store`. Rows are plain frozen values; no database
type crosses this line. Times are nanoseconds since the epoch, UTC; durations are nanoseconds; trace and span
ids are lower-case hex (32 and 16 characters).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from laban_collector.errors import StoreUnsupported

if TYPE_CHECKING:  # readers need no Arrow, which is slow to load
    from laban_collector.batch.span_batch import SpanBatch

MINUTE: Final = 60 * 10**9
"""ns. EdgeQuery are counted by the minute in which they began."""
MAX_ROWS: Final = 50_000
"""Rows of a list that a reader returns, at most: of latencies and of the lag."""
EXPORTED_TABLES: Final = (
    "resources",
    "scopes",
    "spans",
    "span_events",
    "span_links",
    "correlations",
    "edges",
    "lag",
    "ledger",
)
"""The tables of an export: one Parquet file each."""


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


class RetentionLimits(NamedTuple):
    """How much a store keeps.

    Attributes:
        age: seconds since the spans arrived; None: no limit.
        size: bytes of the data and its log; None: no limit.
    """

    age: float | None = None
    size: int | None = None


class Deleted(NamedTuple):
    """The result of one retention run.

    Attributes:
        spans: how many spans were deleted.
        longest_wait: the longest time that writers waited, in seconds.
    """

    spans: int
    longest_wait: float


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """How the spans in a store compare with the commits that its own ledger lists.

    Attributes:
        newest: sequence of the newest commit; 0 if there is none.
        commits: commits in the ledger.
        different: commits with another number of spans than the ledger says.
        lacking: spans missing from these commits.
        surplus: spans too many in these commits.
    """

    newest: int
    commits: int
    different: int
    lacking: int
    surplus: int


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """The state of a store.

    Attributes:
        file: bytes on disk.
        used: bytes of them in use; the rest is reused.
        wal: bytes of the write-ahead log.
        uncounted: spans that are stored but not yet counted for the graph.
        quarantined: names of damaged files kept next to the data.
    """

    file: int
    used: int
    wal: int
    uncounted: int
    quarantined: tuple[str, ...]


class SpanWriter(Protocol):
    """Stores batches and polls of the consumer lag."""

    def write(self, batch: "SpanBatch") -> Written:
        """Store a batch durably; it is on disk when this returns.

        Raises:
            StoreError: nothing of the batch was stored.
        """
        ...

    def write_lag(self, rows: Sequence[Lag]) -> None:
        """Store one poll of the consumer lag.

        Raises:
            StoreError: nothing was stored.
        """
        ...


class BatchLoader(SpanWriter, Protocol):
    """Writes to the tables of a store, and numbers its commits."""

    @property
    def sequence(self) -> int:
        """The sequence of the newest commit; 0 if there is none."""
        ...

    def load(self, batches: Sequence["SpanBatch"], sequence: int, *, awaited: bool = False) -> list[Written]:
        """Store batches durably as one commit.

        Spans that the store already has are skipped, so the journal may load a batch twice.

        Args:
            batches: in the order in which they were acknowledged.
            sequence: of the commit, also if nothing in the batches is new.
            awaited: whether a client waits for these spans, so that no graph may miss them.

        Raises:
            StoreError: nothing was stored.
        """
        ...


class SpanReader(Protocol):
    """Answers questions. All windows are half open, [since, until), in ns since the epoch."""

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


OpenSink = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens the file of this name, such as `spans.parquet`, for writing."""


class Store(ABC):
    """A place where spans are kept, open in this process.

    The journal and the ledger ring stand above it (`laban_collector.ingest`). A store that cannot do one of
    the optional things raises `StoreUnsupported`, as the methods here do.
    """

    @classmethod
    @abstractmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the store at a path; create it unless `read_only`.

        Raises:
            StoreError: it cannot be opened; the text says why and what to do.
        """

    @classmethod
    def recover(cls, path: Path) -> Self:
        """Open the store for a collector: move damaged files to quarantine instead of refusing to start.

        Raises:
            StoreError: it cannot be opened.
        """
        return cls.open(path)

    @property
    @abstractmethod
    def path(self) -> Path:
        """The local path next to which the journal and the ledger ring are kept."""

    @abstractmethod
    def writer(self) -> BatchLoader:
        """The writer of this store; always the same one."""

    @abstractmethod
    def reader(self, *, staleness: float = 0.0) -> SpanReader:
        """Return a reader.

        Args:
            staleness: seconds of the newest commits that a graph may miss while they are being counted.
        """

    @property
    def failure(self) -> str | None:
        """Why the store does not answer; None while it does. The next use opens it again."""
        return None

    @abstractmethod
    def health(self) -> StoreHealth:
        """The state of the store; it also answers while the database does not."""

    @abstractmethod
    def probe(self, *, write: bool) -> None:
        """Check that the store answers; a database that was lost is opened again.

        Args:
            write: also commit something without meaning.

        Raises:
            StoreError: it does not.
        """

    @abstractmethod
    def check_ledger(self) -> LedgerCheck:
        """Compare the spans with the ledger in the store.

        Raises:
            StoreError: the store did not answer.
        """

    def end_recovery(self, keep_as: Path | None) -> None:  # noqa: B027 - most stores have nothing to drop
        """Drop what `recover` kept until the ledger was checked.

        Args:
            keep_as: keep it under this name instead, because spans are missing; None: drop it.
        """

    @abstractmethod
    def start(self, retention: RetentionLimits, deleted: Callable[[Deleted], None]) -> None:
        """Start the background work: counting edges, indexes, retention.

        Args:
            retention: limits beyond which the oldest spans are deleted.
            deleted: called after each run that deleted spans.

        Raises:
            StoreUnsupported: limits are given and this store cannot delete.
            StoreError: the store did not answer.
        """

    @abstractmethod
    def stop(self) -> None:
        """Count what is loaded, and end the background work. Does nothing if it is not running."""

    @property
    def flooded(self) -> bool:
        """Whether spans arrive so fast that a graph may miss the newest seconds."""
        return False

    @abstractmethod
    def settle(self) -> None:
        """Wait until a graph contains what is loaded; of a flood it may miss the newest seconds."""

    def export(self, open_sink: OpenSink) -> Generator[int, None, None]:  # noqa: ARG002 - for stores that can
        """Write each table as one Parquet file; yields the number of rows written since the last time.

        Raises:
            StoreError: the store did not answer.
        """
        raise self._unsupported("export")

    def archive(self) -> Generator[bytes, None, None]:
        """The Parquet files of `export` as a ZIP archive, piece by piece.

        Raises:
            StoreError: the store did not answer.
        """
        raise self._unsupported("export")

    def backup(self, target: Path) -> Generator[int, None, None]:  # noqa: ARG002
        """Copy the store, as it is at this moment, to a new file; yields rows copied since the last time.

        Raises:
            StoreError: the file exists, or the store did not answer.
        """
        raise self._unsupported("backup")

    def stream_backup(self) -> Generator[bytes, None, None]:
        """The bytes of a backup, piece by piece.

        Raises:
            StoreError: the store did not answer.
        """
        raise self._unsupported("backup")

    @abstractmethod
    def close(self) -> None:
        """Let go of the store; call `stop` first.

        Raises:
            StoreError: the last write failed; what was committed is safe.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unsupported(self, action: str) -> StoreUnsupported:
        return StoreUnsupported(f"{self.path}: {type(self).__name__} has no {action}.")
