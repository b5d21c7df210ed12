"""The interface between laban and a database: `Store`, its writer and its reader.

A store is one folder next to `duckdb/` that implements `Store`. Times are nanoseconds since the epoch, UTC;
durations are nanoseconds.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from laban_collector.errors import StoreUnsupported
from laban_collector.store.damage import Rescued, Verification
from laban_collector.store.edge_totals import EdgeTotals, Exemplar
from laban_collector.store.rows import (
    Contents,
    DatedSpans,
    EdgeMinute,
    EdgePlace,
    EdgeRow,
    EntryTimes,
    Lag,
    LagProblem,
    LagRate,
    LagRow,
    Latencies,
    LogLine,
    MessageRef,
    Peer,
    ProfileCount,
    ProfileStep,
    QueueMinute,
    QueueProgress,
    SampledRef,
    SeenHop,
    SeenOperation,
    Span,
    TraceRef,
    Unread,
    UnreadRange,
    ValueRef,
    WholeSpan,
)
from laban_collector.store.searches import FoundTraces, NamedOperation, SpanOutline, SpanSearch

if TYPE_CHECKING:  # readers need no Arrow, which is slow to load
    from laban_collector.batch.log_batch import LogBatch
    from laban_collector.batch.span_batch import SpanBatch

EXPORTED_TABLES: Final = (
    "resources",
    "scopes",
    "spans",
    "span_events",
    "span_links",
    "correlations",
    "edges",
    "contracts",
    "profile_steps",
    "profiles",
    "lag",
    "lag_problems",
    "logs",
    "ledger",
)
"""The tables of an export: one Parquet file each."""


@dataclass(frozen=True, slots=True)
class Written:
    """The number of spans in one commit.

    Attributes:
        spans: newly stored spans.
        duplicates: spans that were stored before, or that are repeated in the batch.
    """

    spans: int
    duplicates: int


class RetentionLimits(NamedTuple):
    """The limits beyond which a store deletes its oldest spans.

    Attributes:
        age: seconds since the spans arrived; None: no limit.
        size: bytes of the data and its log; None: no limit.
        logs: seconds since log records arrived; None: as long as spans.
    """

    age: float | None = None
    size: int | None = None
    logs: float | None = None


class NameLimits(NamedTuple):
    """The distinct names of each kind that are counted in one hour; later ones count as one other name.

    Attributes:
        services: services.
        topics: topics, and as many consumer groups.
        peers: databases; as many hosts outside, and addresses of services.
        operations: RPC services; as many protocols.
        edges: edges between all these.
    """

    services: int = 5_000
    topics: int = 5_000
    peers: int = 5_000
    operations: int = 5_000
    edges: int = 20_000


DEFAULT_NAMES: Final = NameLimits()
"""The limits if nothing is set."""


class Deleted(NamedTuple):
    """The result of one retention run.

    Attributes:
        spans: number of deleted spans.
        longest_wait: the longest time that writers waited, in seconds.
        logs: number of deleted log records.
    """

    spans: int
    longest_wait: float
    logs: int = 0


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The spans in a store, compared with the commits in its ledger.

    Attributes:
        newest: sequence of the newest commit; 0 if there is none.
        commits: commits in the ledger.
        different: commits whose number of spans differs from the ledger.
        lacking: spans missing from these commits.
        surplus: extra spans in these commits.
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
        verification: what the background verification found.
        others: calls that were counted for other nodes since the start, because there were too many names.
    """

    file: int
    used: int
    wal: int
    uncounted: int
    quarantined: tuple[str, ...]
    verification: Verification
    others: Mapping[str, int] = field(default_factory=dict[str, int])


class SpanWriter(Protocol):
    """Stores batches and polls of the consumer lag."""

    def write(self, batch: "SpanBatch") -> Written:
        """Store a batch durably; it is on disk when this returns.

        Raises:
            StoreError: nothing of the batch was stored.
        """
        ...

    def write_lag(self, rows: Sequence[LagRow]) -> None:
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

    def load(self, batches: Iterable["SpanBatch"], sequence: int, *, awaited: bool = False) -> list[Written]:
        """Store batches durably as one commit.

        Spans that the store already has are skipped, so the journal may load a batch twice.

        Args:
            batches: in the order in which they were acknowledged; without any, nothing happens. They are not
                kept, so that an iterator can free each.
            sequence: of the commit, also if nothing in the batches is new.
            awaited: whether a client waits for these spans, so that no graph may miss them.

        Raises:
            StoreError: nothing was stored.
        """
        ...

    def write_logs(self, batch: "LogBatch") -> None:
        """Store log records durably; they are on disk when this returns.

        Raises:
            StoreError: nothing was stored.
        """
        raise StoreUnsupported(f"{type(self).__name__} stores no logs; {len(batch.logs)} were refused.")


class SpanReader(Protocol):
    """Queries on a store. All windows are half open, [since, until), in ns since the epoch."""

    def at_one_moment(self) -> AbstractContextManager[None]:
        """Return a context in which all queries of this thread see the same state of the store."""
        ...

    def contents(self) -> Contents:
        """Return a summary of the store."""
        ...

    def extent(self, since: int, until: int) -> tuple[int, int] | None:
        """Return the first and the last start of the spans that start in the window; None without spans."""
        ...

    def spans_outside(self, since: int, until: int) -> list[DatedSpans]:
        """Return the spans that start outside the window, by the number of digits of their starts."""
        ...

    def namespaces(self) -> list[str]:
        """Return the namespaces of all services."""
        ...

    def traces_with(self, key_prefix: str, value: str, limit: int) -> list[TraceRef]:
        """Return the traces with this value for a key that starts with `key_prefix`, newest first."""
        ...

    def nearest_values(self, key_prefix: str, value: str, limit: int) -> list[str]:
        """Return the known values that resemble `value`, nearest first; newest first if equally near."""
        ...

    def recent_values(self, key_prefix: str, since: int, until: int, limit: int) -> list[tuple[str, int]]:
        """Return (value, last seen) of the newest correlations in the window."""
        ...

    def newest_values(self, key_prefix: str, since: int, until: int, limit: int) -> list[ValueRef]:
        """Return the newest values in the window of the keys that start with a prefix, newest first."""
        ...

    def traces_of_values(
        self, key_prefix: str, values: Collection[str], limit: int
    ) -> dict[tuple[str, str], list[TraceRef]]:
        """Return the newest traces of some values, at most `limit` each, by key and value, newest first."""
        ...

    def keys_with(self, value: str, limit: int) -> list[frozenset[str]]:
        """Return the sets of business keys that have a value together in a trace, without bare Kafka keys.

        With the limit of `traces_with`, at one moment, both read the value once.
        """
        ...

    def spans_of(self, trace_ids: Sequence[str], since: int, until: int, limit: int) -> list[Span]:
        """Return the first spans of these traces that start in the window, by start.

        A trace id of 64 bits and one of 128 bits with the same low half are two forms of one id, if no second
        id of 128 bits has this low half: the spans of both forms are returned.
        """
        ...

    def trace(self, trace_id: str, limit: int | None = None) -> Generator[list[WholeSpan], None, None]:
        """Yield the spans of a trace by start, in parts of some thousand; nothing if there are none.

        The spans of another form of the id are included, as in `spans_of`.

        Args:
            trace_id: of the trace.
            limit: maximum number of spans.
        """
        ...

    def logs_of(self, trace_ids: Sequence[str], limit: int) -> list[LogLine]:
        """Return the first log records of these traces, by time; a record that was sent twice, once.

        The records of another form of an id are included, as in `spans_of`.
        """
        ...

    def whole_traces(
        self, trace_ids: Collection[str], limit: int | None = None
    ) -> Generator[list[WholeSpan], None, None]:
        """Yield the spans of some traces by start, in parts of some thousand, as `trace` does for one.

        Args:
            trace_ids: of the traces, at most some dozens.
            limit: maximum number of spans.
        """
        ...

    def traces_linked_from(self, trace_ids: Sequence[str]) -> list[str]:
        """Return the other traces with a span that links to one of these: their consequences."""
        ...

    def traces_of_messages(self, messages: Sequence[MessageRef], since: int, until: int) -> list[str]:
        """Return the traces with a span on one of these messages."""
        ...

    def published(self, messages: Collection[MessageRef], since: int, until: int) -> dict[MessageRef, int]:
        """Return when these messages were published (ns), as far as a span of the window tells."""
        ...

    def unread(
        self, ranges: Sequence[UnreadRange], since: int, until: int, limit: int
    ) -> dict[UnreadRange, Unread]:
        """Return what the spans of a window tell of unread messages: of each range, the first `limit`."""
        ...

    def keys_of(
        self, trace_ids: Collection[str], since: int, until: int, limit: int
    ) -> dict[str, list[tuple[str, str]]]:
        """Return the business keys and values of traces, at most `limit` each."""
        ...

    def newest_consumptions(self, group: str, topic: str, since: int, until: int, limit: int) -> list[str]:
        """Return the newest traces in which a group has processed messages of a topic."""
        ...

    def lag_rates(self, since: int, until: int) -> list[LagRate]:
        """Return how fast messages came and were consumed in a window, by cluster, group and topic."""
        ...

    def queue_progress(
        self, topics: Sequence[str], since: int, until: int, recent: int
    ) -> list[QueueProgress]:
        """Return how the groups of some topics have advanced in a window; their rates since `recent`."""
        ...

    def queue_minutes(self, group: str, topic: str, since: int, until: int) -> list[QueueMinute]:
        """Return how far a group had come in a topic, by minute."""
        ...

    def edge_minutes(self, place: EdgePlace, since: int, until: int, slow: int) -> list[EdgeMinute]:
        """Return the counted calls of some edges by minute, and those that took `slow` ns or longer."""
        ...

    def groups_of(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return topic → consumer group → service, for all groups that have consumed these topics."""
        ...

    def last_spans(self, services: Collection[str]) -> dict[str, int]:
        """Return the end (ns) of the last span of each service that has one.

        A service can be named with its namespace, `shop/order`. Spans that were dated in the future when they
        were stored do not count.
        """
        ...

    def callees(self, peers: Collection[Peer], since: int, until: int) -> dict[Peer, str]:
        """Return the service behind each peer, from the calls of a window widened to whole minutes."""
        ...

    def edges(self, since: int, until: int) -> list[EdgeRow]:
        """Return all edges that began in the window; faster for whole minutes."""
        ...

    def counted_to(self) -> int | None:
        """Return when the newest spans were stored that edges of whole minutes contain; None: no spans."""
        ...

    def all_counted(self) -> bool:
        """Return whether the edges of whole minutes contain all stored spans, or are computed from them."""
        ...

    def seen_operations(self, since: int, until: int) -> list[SeenOperation]:
        """Return the operations that server spans of a window name, the most frequent first."""
        ...

    def seen_hops(self, since: int, until: int) -> list[SeenHop]:
        """Return the kinds of spans and their other sides in a window, the most frequent first."""
        ...

    def services(self, limit: int) -> list[str]:
        """Return the names of the services that have spans, without namespaces, sorted."""
        ...

    def operations_of(self, service: str, since: int, until: int, limit: int) -> list[NamedOperation]:
        """Return the names and kinds of the spans of a service in a window, the most frequent first."""
        ...

    def search(self, search: SpanSearch, limit: int, among: Collection[str] | None = None) -> FoundTraces:
        """Return the newest traces with a span that fits.

        Args:
            search: the conditions on the span.
            limit: maximum number of traces.
            among: the ids of the traces to look at; None: all.
        """
        ...

    def outlines_of(self, trace_ids: Collection[str], limit: int) -> list[SpanOutline]:
        """Return what summaries need of the spans of traces, in any order; as many as the limit: not all."""
        ...

    def profile(self, entry: int, since: int, until: int) -> tuple[list[ProfileStep], list[ProfileCount]]:
        """Return the steps of an entry, and the counts of all time slices that overlap a window, added up."""
        ...

    def profile_slices(self, entry: int, measure: int, since: int, until: int) -> list[tuple[int, int, int]]:
        """Return how many values of a measure the entry itself has in each time slice that overlaps a window.

        Each with the start of the slice, in minutes since the epoch, and its minutes, before the number.
        """
        ...

    def profiled_to(self) -> int:
        """Return the last commit whose traces profiles contain: while it is the same, profiles are, too."""
        ...

    def unprofiled_entries(
        self, namespace: str | None, service: str, name: str, limit: int
    ) -> list[TraceRef]:
        """Return some of the newest traces that no profile contains yet and whose root has this name.

        First and last are the start of the root. Which traces these are does not depend on their times.
        """
        ...

    def sampled_traces(self, since: int, until: int, entries: int, each: int) -> list[SampledRef]:
        """Return some traces of each entry operation of a window, the busiest entries first.

        Which traces these are is decided by their random ids: it does not depend on what they look like.

        Args:
            since: begin of the window in which an entry starts.
            until: its end.
            entries: the most entry operations.
            each: the most traces of each.
        """
        ...

    def in_bulk(self, since: int, until: int) -> "ClosureReader":
        """Return a reader for very many traces of a window at once, and for what followed in some minutes.

        It sees what this reader sees in `at_one_moment`; only the thread that asked for it may use it.
        """
        ...

    def entry_times(self, names: Collection[str], since: int, until: int) -> list[EntryTimes]:
        """Return how some operations (`order POST /orders`) did in a window, as far as they were called.

        The operation is the name of the span without IDs, or method and route; a namespace may be left out.
        """
        ...

    def newest_publications(
        self, topics: Collection[str], since: int, until: int, each: int
    ) -> dict[str, list[str]]:
        """Return the newest traces that published to some topics in a window, at most `each` by topic."""
        ...

    def exemplars(self, limit: int) -> list[Exemplar]:
        """Return traces of the newest spans as examples for the histograms of edges, the newest first."""
        ...

    def latest_lag(self, window: tuple[int, int] | None = None) -> list[Lag]:
        """Return the newest row of each (cluster, group, topic, partition), or of those in a window (ns)."""
        ...

    def lag_problems(self) -> list[LagProblem]:
        """Return what the newest poll of each cluster could not read."""
        ...

    def lag_between(self, since: int, until: int) -> list[Lag]:
        """Return all rows in the window, by time."""
        ...

    def latency(self, by: str, since: int, until: int, slot: int) -> Latencies:
        """Return percentiles over time and of the whole window, of the busiest edges or routes.

        Latencies are counted in buckets (LATENCY_BUCKET wide), so that those of several times add up.

        Args:
            by: `edge` or `route`.
            since: begin of the window.
            until: its end.
            slot: the length of a time, in ns; of edges whole minutes.
        """
        ...


class ClosureReader(Protocol):
    """The queries of `SpanReader` that find what follows from some traces; see there."""

    def spans_of(self, trace_ids: Sequence[str], since: int, until: int, limit: int) -> list[Span]:
        """Return the first spans of these traces that start in the window, by start."""
        ...

    def traces_linked_from(self, trace_ids: Sequence[str]) -> list[str]:
        """Return the other traces with a span that links to one of these."""
        ...

    def traces_of_messages(self, messages: Sequence[MessageRef], since: int, until: int) -> list[str]:
        """Return the traces with a span on one of these messages."""
        ...

    def groups_of(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return topic → consumer group → service, for all groups that have consumed these topics."""
        ...


Profiler = Callable[[ClosureReader, Sequence[str]], tuple[Sequence[ProfileStep], Sequence[ProfileCount]]]
"""Counts what some traces look like, for the profiles of their entries."""

OpenSink = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens a file by name, such as `spans.parquet`, for writing."""


class Store(ABC):
    """A span store, open in this process.

    The journal and the ledger ring are in front of it (`laban_collector.ingest`). A store that lacks an
    optional feature raises `StoreUnsupported`, as the methods here do.
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
        """Return the writer of this store; always the same object."""

    @abstractmethod
    def reader(self, *, staleness: float = 0.0) -> SpanReader:
        """Return a reader.

        Args:
            staleness: seconds of the newest commits that graphs may miss while these are being counted.
        """

    @property
    def failure(self) -> str | None:
        """The reason why the store does not answer; None while it does. The next use opens it again."""
        return None

    @property
    def changes(self) -> int | None:
        """A number that is the same only while nothing in the store changes; None if that is unknown."""
        return None

    @abstractmethod
    def health(self) -> StoreHealth:
        """Return the state of the store, even while the database does not answer."""

    @abstractmethod
    def probe(self, *, write: bool) -> None:
        """Check that the store answers; a lost database is opened again.

        Args:
            write: also commit a test row.

        Raises:
            StoreError: the store does not answer.
        """

    @abstractmethod
    def check_ledger(self) -> LedgerCheck:
        """Compare the spans with the ledger in the store.

        Raises:
            StoreError: the store did not answer.
        """

    def end_recovery(self, keep_as: Path | None) -> None:  # noqa: B027 - most stores have no such files
        """Delete the files that `recover` kept until the ledger was checked.

        Args:
            keep_as: keep them under this name instead, because spans are missing; None: delete them.
        """

    @abstractmethod
    def start(
        self,
        retention: RetentionLimits,
        deleted: Callable[[Deleted], None],
        names: NameLimits = DEFAULT_NAMES,
        profiler: Profiler | None = None,
        series: int = 0,
    ) -> None:
        """Start the background work: edge counting, profiles, indexing, retention.

        Args:
            retention: limits beyond which the oldest spans are deleted.
            deleted: called after each run that deleted spans.
            names: the names that graphs distinguish in an hour.
            profiler: counts what traces look like; None: profiles are not kept.
            series: edges that the totals for metrics tell apart; 0: totals are not kept.

        Raises:
            StoreUnsupported: limits are given and this store cannot delete.
            StoreError: the store did not answer.
        """

    def edge_totals(self) -> EdgeTotals:
        """Return the running totals of edges, for metrics; empty if the store keeps none."""
        return EdgeTotals()

    @abstractmethod
    def stop(self) -> None:
        """Count the loaded spans, and end the background work. Does nothing if it is not running."""

    def complete_profiles(self, profiler: Profiler) -> None:  # noqa: B027 - a store may keep no profiles
        """Count what all stored traces look like, without background work; call it after the last write.

        Raises:
            StoreError: the store did not answer.
        """

    @property
    def flooded(self) -> bool:
        """Whether spans arrive so fast that a graph may miss the newest seconds."""
        return False

    @abstractmethod
    def settle(self) -> None:
        """Wait until graphs contain all loaded spans; in a flood, they may miss the newest seconds."""

    def export(self, open_sink: OpenSink) -> Generator[int, None, None]:  # noqa: ARG002 - for stores that can
        """Write each table to a Parquet file; yield the number of rows written since the last yield.

        Raises:
            StoreError: the store did not answer.
        """
        raise self._unsupported("export")

    def archive(self) -> Generator[bytes, None, None]:
        """Yield the Parquet files of `export` as a ZIP archive, piece by piece.

        Raises:
            StoreError: the store did not answer.
        """
        raise self._unsupported("export")

    def backup(self, target: Path) -> Generator[int, None, None]:  # noqa: ARG002
        """Copy the current state of the store to a new file; yield the number of rows since the last yield.

        Raises:
            StoreError: the file exists, or the store did not answer.
        """
        raise self._unsupported("backup")

    def stream_backup(self) -> Generator[bytes, None, None]:
        """Yield the bytes of a backup, piece by piece.

        Raises:
            StoreError: the store did not answer.
        """
        raise self._unsupported("backup")

    @property
    def damage(self) -> str | None:
        """What proves that the data are damaged; None: nothing does. Then `set_aside` is due."""
        return None

    def watch(self, trouble: Callable[[], object]) -> None:  # noqa: B027 - most stores repair themselves
        """Call `trouble` when the data are damaged, or may be (`confirm`)."""

    def confirm(self, pause: Callable[[float], bool]) -> None:  # noqa: B027
        """After an error that damage may have caused, verify everything; sets `damage` if it is damage.

        Args:
            pause: waits for some seconds, and returns whether to end.

        Raises:
            StoreError: the store did not answer.
        """

    def set_aside(self, sequence: int) -> Path:  # noqa: ARG002 - for stores that can
        """Keep the damaged data under another name, which is returned, and continue with an empty store.

        Args:
            sequence: of the newest commit; the numbers go on from there.

        Raises:
            StoreError: it failed; try again.
        """
        raise self._unsupported("quarantine")

    def rescue(
        self,
        damaged: Path,
        write: "Callable[[SpanBatch], object]",  # noqa: ARG002
        pause: Callable[[float], bool],  # noqa: ARG002
    ) -> Rescued | None:
        """Store everything readable of damaged data again.

        Args:
            damaged: the data, as `set_aside` named them.
            write: stores a batch; batches may come twice.
            pause: waits for some seconds, and returns whether to end.

        Returns:
            What was read; None if `pause` ended it.

        Raises:
            StoreError: nothing can be read, or stored.
        """
        raise self._unsupported(f"rescue of {damaged}")

    @classmethod
    def rescue_file(cls, damaged: Path, target: Path) -> Rescued:
        """Copy everything readable of damaged data to a new place.

        Raises:
            StoreError: nothing can be read, or the place is taken or cannot be written.
        """
        raise StoreUnsupported(f"{damaged}: {cls.__name__} cannot rescue to {target}.")

    @classmethod
    def read_batches(cls, path: Path, write: "Callable[[SpanBatch], object]") -> None:  # noqa: ARG003
        """Read all spans of a store as batches.

        Raises:
            StoreError: it cannot be read.
        """
        raise StoreUnsupported(f"{path}: {cls.__name__} cannot read batches.")

    @abstractmethod
    def close(self) -> None:
        """Close the store; call `stop` first.

        Raises:
            StoreError: the last write failed; what was committed is safe.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unsupported(self, action: str) -> StoreUnsupported:
        return StoreUnsupported(f"{self.path}: {type(self).__name__} has no {action}.")
