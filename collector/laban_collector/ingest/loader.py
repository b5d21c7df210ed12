"""Acknowledges batches from the journal, and loads them into the tables, many at once."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.batch.splitter import split
from laban_collector.errors import StoreError, StoreUnwritable
from laban_collector.ingest.journal import Journal, Journaled
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.memory import release_unused
from laban_collector.ingest.unloaded import SegmentKeys, Unloaded
from laban_collector.store.base import Written

_log = logging.getLogger(__name__)

ENOUGH: Final = 122_880
"""Maximum number of spans in a load; this many are loaded without waiting for more. DuckDB writes a full row
group directly to its place. It would put the remaining rows into a small row group, and write them again at
the next checkpoint: twice the work, seconds in which nothing is loaded, and a third of the file left
empty."""
ENOUGH_BYTES: Final = 96 << 20
"""The same limit for large spans, in bytes of memory; less exact."""
LONGEST_WAIT: Final = 2.0
"""Maximum seconds that a batch waits to be loaded when no client waits for it."""
RETRY: Final = 1.0
"""Seconds to wait after a failed load."""
_LONGEST_SETTLE: Final = 5.0


class Load(Protocol):
    """Stores batches in the tables; see `BatchLoader.load`."""

    def __call__(self, batches: Iterable[SpanBatch], sequence: int, *, awaited: bool) -> Sequence[Written]:
        """Store batches as one commit; raises StoreError if nothing was stored."""
        ...


class JournalLoader:
    """Takes batches: each is on disk at once, and in the tables soon afterwards.

    Args:
        load: stores batches in the tables; called in a separate thread.
        journal: holds batches until they are loaded.
        ring: records each batch before its senders are answered.
        sequence: of the newest commit in the tables.
    """

    def __init__(self, load: Load, journal: Journal, ring: LedgerRing, sequence: int) -> None:
        self._load = load
        self._journal = journal
        self._ring = ring
        self._sequence = sequence
        self._loaded = sequence
        self._left = 0
        self._left_until = sequence
        self._wanted = 0
        """The sequence up to which a client waits for the tables."""
        self._open = Segment()
        self._sealed: deque[Segment] = deque()
        """Segments that take no more batches and wait to be loaded."""
        self._loading: Segment | None = None
        self._written: dict[int, Written | None] = {}
        """The results of batches that a client waits for."""
        self._failure: StoreError | None = None
        self._unrecorded = False
        self._stopping = False
        self._changed = threading.Condition()
        self.on_loss: Callable[[Journal, Sequence[int]], object] = _say_loss
        """Called with the sequences of the batches that the journal no longer holds intact."""
        self._thread = threading.Thread(target=self._run, name="laban-load")

    @property
    def failure(self) -> str | None:
        """Why nothing can be loaded at the moment; None while loading works."""
        return None if self._failure is None else str(self._failure)

    @property
    def loaded(self) -> int:
        """The sequence up to which all batches are in the tables."""
        return self._loaded

    @property
    def unloaded(self) -> int:
        """Acknowledged spans that are not in the tables yet, except for those that are being loaded."""
        with self._changed:
            return sum(segment.spans for segment in self._segments())

    @property
    def is_settled(self) -> bool:
        """Whether everything acknowledged is in the tables."""
        with self._changed:
            return self._loading is None and not any(one.sequences for one in self._segments())

    def keys(self) -> Unloaded:
        """Return the keys of all acknowledged batches that are not in the tables yet."""
        with self._changed:
            loading = [] if self._loading is None else [self._loading]
            segments = [*loading, *self._segments()]
        return Unloaded(segment.keys.keys() for segment in segments)

    def start(self, lost: Sequence[Journaled] = ()) -> None:
        """Take batches; the batches that an earlier process left in the journal are loaded first.

        They are loaded in the background, so that senders and clients do not wait for them.

        Args:
            lost: batches that were in the tables once, and are to be loaded again; rare, so this waits.

        Raises:
            StoreError: batches fill the whole journal, or were lost, and cannot be loaded; they stay there.
            OSError: the journal cannot be read.
        """
        for one in lost:
            self._sequence = self._loaded = max(self._sequence, one.sequence)
            self._load([one.batch], self._sequence, awaited=False)
        for batches in self._journal.keep():
            segment = Segment()
            for one in batches:
                segment.add(one)
            self._sealed.append(segment)
            self._sequence = self._left_until = max(self._sequence, batches[-1].sequence)
        self._left = sum(segment.spans for segment in self._sealed)
        if self._left:
            _log.info("Loading %d spans that were acknowledged before the last stop.", self._left)
        while not self._journal.can_append:
            if not self._try(self._sealed.popleft().sequences):
                raise StoreUnwritable(f"Acknowledged spans cannot be loaded: {self._failure}")
        self._thread.start()

    @property
    def left(self) -> int:
        """Spans that an earlier process acknowledged, while they are not all in the tables yet."""
        return self._left

    def write(self, batch: SpanBatch) -> None:
        """Take a batch; it is on disk when this returns.

        Raises:
            StoreError: the batch was not kept, or only a part of it; spans that are sent again are
                recognised.
        """
        self._take(batch, awaited=False)

    def write_through(self, batch: SpanBatch) -> Written:
        """Take a batch, and wait until it is in the tables.

        Raises:
            StoreError: the batch is not in the tables; if it is in the journal, it is loaded later.
        """
        sequences = self._take(batch, awaited=True)
        self.settle()
        with self._changed:
            written = [self._written.pop(sequence) for sequence in sequences]
        known = [one for one in written if one is not None]
        if len(known) < len(written):
            raise StoreError(f"Accepted, but not in the tables yet: {self._failure or 'timeout'}")
        return Written(sum(one.spans for one in known), sum(one.duplicates for one in known))

    def settle(self) -> None:
        """Wait until everything acknowledged so far is in the tables, or cannot be loaded."""
        with self._changed:
            sequence = self._sequence
            self._wanted = max(self._wanted, sequence)
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._loaded >= sequence or self._failure is not None, _LONGEST_SETTLE
            )

    def stop(self) -> None:
        """Load the remaining batches, and end. Batches that cannot be loaded stay in the journal."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        self._journal.close()

    def _take(self, batch: SpanBatch, *, awaited: bool) -> list[int]:
        """Append a batch to the journal, in parts if one segment cannot hold it; return their sequences."""
        sequences: list[int] = []
        while batch.spans.num_rows:
            with self._changed:
                self._wait_for_room()
                part, batch = split(batch, ENOUGH - self._open.spans)
                sequences.append(self._append(part, awaited=awaited))
        return sequences

    def _append(self, batch: SpanBatch, *, awaited: bool) -> int:
        journaled = Journaled(self._sequence + 1, batch)
        try:
            self._journal.append(journaled)
        except OSError as error:
            raise StoreUnwritable(f"The journal cannot be written: {error}") from error
        self._record(journaled)
        self._sequence = journaled.sequence
        self._open.add(journaled)
        if awaited:
            self._written[journaled.sequence] = None
        if self._open.is_enough and self._journal.can_turn:
            self._seal()
        self._changed.notify_all()
        return journaled.sequence

    def _seal(self) -> None:
        self._journal.turn()
        self._sealed.append(self._open)
        self._open = Segment()

    def _segments(self) -> "tuple[Segment, ...]":
        return (*self._sealed, self._open)

    def _wait_for_room(self) -> None:
        while self._open.is_enough:  # the last file of the journal is full
            if self._failure is not None:
                raise StoreUnwritable(f"Acknowledged spans cannot be loaded: {self._failure}")
            self._changed.wait(RETRY)
            if self._open.is_enough and self._journal.can_turn:
                self._seal()

    def _record(self, journaled: Journaled) -> None:
        """Record a commit in the ring. The batch is on disk, so after a failure senders need not send it
        again."""
        try:
            self._ring.record(journaled.sequence, journaled.batch.spans.num_rows)
        except OSError as error:
            if not self._unrecorded:
                _log.exception(
                    "%s cannot be written (%s): a loss of the newest batches would go unnoticed.",
                    self._ring.path,
                    error,
                )
            self._unrecorded = True
        else:
            self._unrecorded = False

    def _run(self) -> None:
        while sequences := self._next():
            while not self._try(sequences):
                if not self._may_try_again(len(sequences)):
                    return
            release_unused()  # only here: until the load returns, its batches are in use

    def _may_try_again(self, left: int) -> bool:
        """Wait, and return True; False if the loader is stopping with `left` batches in the journal."""
        with self._changed:
            if not self._stopping:
                self._changed.wait_for(lambda: self._stopping, RETRY)
                return True
            _log.critical(
                "%d batches stay in the journal next to the database. Start the collector to load them.",
                left + sum(len(segment.sequences) for segment in self._segments()),
            )
            return False

    def _next(self) -> list[int]:
        """Wait for the next segment to load, and return its sequences; an empty list if the loader stops."""
        with self._changed:
            while not self._is_due():
                if self._stopping:
                    return []
                self._changed.wait(self._open.time_left)
            if not self._sealed:
                self._seal()
            self._changed.notify_all()
            self._loading = self._sealed.popleft()
            return self._loading.sequences

    def _is_due(self) -> bool:
        if self._sealed:
            return True
        segment = self._open
        return bool(segment.sequences) and (
            self._stopping or self._wanted > self._loaded or segment.is_enough or segment.time_left == 0
        )

    def _fail(self, error: Exception) -> None:
        expected = isinstance(error, StoreError)
        if self._failure is None:
            _log.error(
                "Acknowledged spans wait in the journal: %s. Trying again.",
                str(error).rstrip("."),
                exc_info=None if expected else error,
            )
        with self._changed:
            self._failure = error if isinstance(error, StoreError) else StoreError(repr(error))
            self._changed.notify_all()

    def _try(self, sequences: Sequence[int]) -> bool:
        """Load the oldest sealed segment, the batches with these sequences; return whether it succeeded."""
        try:
            awaited = any(one in self._written for one in sequences)
            # After a kill, batches of the newest commits may still be in the journal. Their sequences are
            # not used again.
            sequence = max(sequences[-1], self._loaded)
            found: list[int] = []
            written = self._load(self._read_back(sequences, found), sequence, awaited=awaited)
            if len(found) < len(sequences):
                self.on_loss(self._journal, sorted(set(sequences).difference(found)))
        except Exception as error:  # noqa: BLE001 - acknowledged spans are retried after any error
            self._fail(error)
            return False
        with self._changed:
            try:
                self._journal.drop()
            except OSError as error:
                _log.error("The journal cannot be cleared: %s. Its spans are stored already.", error)
            if self._failure is not None:
                _log.warning("The spans that waited in the journal are loaded.")
            for one, counts in zip(found, written, strict=True):
                if one in self._written:
                    self._written[one] = counts
            self._loaded, self._failure, self._loading = sequence, None, None
            if self._loaded >= self._left_until:
                self._left = 0
            self._changed.notify_all()
        return True

    def _read_back(self, sequences: Sequence[int], found: list[int]) -> Iterator[SpanBatch]:
        """Yield the batches with these sequences from the journal, without those that are damaged.

        The sequence of each is appended to `found`. They are not kept: all of them would take 50 MB.

        Raises:
            StoreError: the journal cannot be read.
        """
        wanted = set(sequences)
        try:
            for one in self._journal.sealed():
                if one.sequence in wanted:
                    found.append(one.sequence)
                    yield one.batch
        except OSError as error:
            raise StoreError(f"The journal cannot be read: {error}") from error


class Segment:
    """Sequences, keys and sizes of the batches in one journal file; whole batches would take 100 MB."""

    def __init__(self) -> None:
        self.sequences: list[int] = []
        self.keys = SegmentKeys()
        self.spans = 0
        self._bytes = 0
        self._until: float | None = None

    def add(self, journaled: Journaled) -> None:
        """Append a batch."""
        if self._until is None:
            self._until = time.monotonic() + LONGEST_WAIT
        self.sequences.append(journaled.sequence)
        self.keys.add(journaled.batch)
        self.spans += journaled.batch.spans.num_rows
        self._bytes += journaled.batch.nbytes

    @property
    def is_enough(self) -> bool:
        """Whether the segment is large enough to be loaded without waiting."""
        return _is_enough(self.spans, self._bytes)

    @property
    def time_left(self) -> float | None:
        """Seconds until the segment is loaded at the latest; None if it is empty."""
        return None if self._until is None else max(self._until - time.monotonic(), 0.0)


def _say_loss(_: Journal, sequences: Sequence[int]) -> None:
    _log.critical("The journal is damaged: %d acknowledged batches are lost.", len(sequences))


def _is_enough(spans: int, size: int) -> bool:
    return spans >= ENOUGH or size >= ENOUGH_BYTES
