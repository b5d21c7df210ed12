"""Acknowledges from a journal, and loads what is in it into the tables, many batches at once."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.batch.splitter import split
from laban_collector.errors import StoreError, StoreUnwritable
from laban_collector.ingest import segments
from laban_collector.ingest.journal import Journal, Journaled
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.segments import Segment, first_segment
from laban_collector.store.base import Written

_log = logging.getLogger(__name__)

RETRY: Final = 1.0
"""Seconds after a load that failed."""
_LONGEST_SETTLE: Final = 5.0


Load = Callable[[Sequence[SpanBatch], int], Sequence[Written]]
"""Stores batches in the tables as one commit with this number, less what is there already, and tells how much
of each was new; or raises StoreError, and has stored nothing."""


class JournaledWriter:
    """Takes batches; what it took is on disk, and soon in the tables.

    Args:
        load: brings batches into the tables; called in a thread of its own.
        journal: where they are until then.
        ring: the ledger's, which notes each batch before its senders hear of it.
        sequence: the number of the newest commit in the tables.
    """

    def __init__(self, load: Load, journal: Journal, ring: LedgerRing, sequence: int) -> None:
        self._load = load
        self._journal = journal
        self._ring = ring
        self._sequence = sequence
        self._loaded = sequence
        self._wanted = 0
        """What somebody waits for to be loaded."""
        self._waiting = Segment()
        self._sealed: deque[Segment] = deque()
        """Those that wait no longer for more, but for those before them."""
        self._written: dict[int, Written | None] = {}
        """What became of the batches that somebody asks about."""
        self._failure: StoreError | None = None
        self._unnoted = False
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="laban-load")

    @property
    def failure(self) -> str | None:
        """Why nothing can be loaded at the moment; None when all is well."""
        return None if self._failure is None else str(self._failure)

    @property
    def unloaded(self) -> int:
        """Spans that are acknowledged and not in the tables yet, less those that are being loaded."""
        with self._changed:
            return sum(waiting.spans for waiting in self._all_waiting())

    def start(self, left: Sequence[Journaled]) -> None:
        """Load what an earlier process left in the journal, then begin to take batches.

        Raises:
            StoreError: it cannot be loaded; it stays where it is.
        """
        if left:
            spans = sum(one.batch.spans.num_rows for one in left)
            _log.info("Loading %d spans that were acknowledged before the last stop.", spans)
            while left:
                part = first_segment(left)
                self._sequence = max(self._sequence, part[-1].sequence)
                self._load([one.batch for one in part], self._sequence)
                left = left[len(part) :]
            self._loaded = self._sequence
        self._journal.clear()
        self._thread.start()

    def write(self, batch: SpanBatch) -> None:
        """Take a batch; when this returns, it is on disk.

        Raises:
            StoreError: nothing of the batch was kept, or not all of it; what is sent again is recognised.
        """
        self._take(batch, asked=False)

    def store(self, batch: SpanBatch) -> Written:
        """Take a batch, and wait until it is in the tables.

        Raises:
            StoreError: it is not; where the journal holds it, it will be.
        """
        sequences = self._take(batch, asked=True)
        self.settle()
        with self._changed:
            written = [self._written.pop(sequence) for sequence in sequences]
        known = [one for one in written if one is not None]
        if len(known) < len(written):
            raise StoreError(f"Taken, and not in the tables yet: {self._failure or 'it takes too long'}")
        return Written(sum(one.spans for one in known), sum(one.duplicates for one in known))

    def _take(self, batch: SpanBatch, *, asked: bool) -> list[int]:
        """Put a batch into the journal, in parts where it is over what is enough; returns their numbers."""
        sequences: list[int] = []
        while batch.spans.num_rows:
            with self._changed:
                self._wait_for_room()
                part, batch = split(batch, segments.ENOUGH - self._waiting.spans)
                sequences.append(self._append(part, asked=asked))
        return sequences

    def _append(self, batch: SpanBatch, *, asked: bool) -> int:
        """Put into the journal what fits there."""
        journaled = Journaled(self._sequence + 1, batch)
        try:
            self._journal.append(journaled)
        except OSError as error:
            raise StoreUnwritable(f"The journal cannot be written: {error}") from error
        self._note(journaled)
        self._sequence = journaled.sequence
        self._waiting.add(journaled)
        if asked:
            self._written[journaled.sequence] = None
        if self._waiting.is_enough and self._journal.can_turn:
            self._seal()
        self._changed.notify_all()
        return journaled.sequence

    def _seal(self) -> None:
        self._journal.turn()
        self._sealed.append(self._waiting)
        self._waiting = Segment()

    def _all_waiting(self) -> tuple[Segment, ...]:
        return (*self._sealed, self._waiting)

    def settle(self) -> None:
        """Wait until all that is acknowledged by now is in the tables, or cannot be loaded."""
        with self._changed:
            sequence = self._sequence
            self._wanted = max(self._wanted, sequence)
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._loaded >= sequence or self._failure is not None, _LONGEST_SETTLE
            )

    def stop(self) -> None:
        """Load all that is left, and end. What cannot be loaded stays in the journal for the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        self._journal.close()

    def _wait_for_room(self) -> None:
        while self._waiting.is_enough:  # the last file of the journal is full
            if self._failure is not None:
                raise StoreUnwritable(f"What was acknowledged cannot be loaded: {self._failure}")
            self._changed.wait(RETRY)
            if self._waiting.is_enough and self._journal.can_turn:
                self._seal()

    def _note(self, journaled: Journaled) -> None:
        """It is on disk: that it cannot be noted must not make the senders repeat it."""
        try:
            self._ring.record(journaled.sequence, journaled.batch.spans.num_rows)
        except OSError as error:
            if not self._unnoted:
                _log.exception(
                    "%s cannot be written (%s): a loss of the newest batches would go unseen.",
                    self._ring.path,
                    error,
                )
            self._unnoted = True
        else:
            self._unnoted = False

    def _run(self) -> None:
        while sequences := self._next():
            while not self._try(sequences):
                if not self._may_try_again(len(sequences)):
                    return

    def _may_try_again(self, left: int) -> bool:
        """After a while; False: it is over, and so many batches are left."""
        with self._changed:
            if not self._stopping:
                self._changed.wait_for(lambda: self._stopping, RETRY)
                return True
            _log.critical(
                "%d batches stay in the journal beside the database: start the collector again to load them.",
                left + sum(len(waiting.sequences) for waiting in self._all_waiting()),
            )
            return False

    def _next(self) -> list[int]:
        """The numbers of what is to be loaded next, sealed in the journal; none when it is over."""
        with self._changed:
            while not self._is_due():
                if self._stopping:
                    return []
                self._changed.wait(self._waiting.time_left)
            if not self._sealed:
                self._seal()
            self._changed.notify_all()
            return self._sealed.popleft().sequences

    def _is_due(self) -> bool:
        if self._sealed:
            return True
        waiting = self._waiting
        return bool(waiting.sequences) and (
            self._stopping or self._wanted > self._loaded or waiting.is_enough or waiting.time_left == 0
        )

    def _fail(self, error: Exception) -> None:
        expected = isinstance(error, StoreError)
        if self._failure is None:
            _log.error(
                "What was acknowledged waits in the journal: %s. Trying again.",
                error,
                exc_info=None if expected else error,
            )
        with self._changed:
            self._failure = error if isinstance(error, StoreError) else StoreError(repr(error))
            self._changed.notify_all()

    def _try(self, sequences: Sequence[int]) -> bool:
        """Load what was sealed first, the batches with these numbers; whether it succeeded."""
        try:
            written = self._load(self._read_back(sequences), sequences[-1])
        except Exception as error:  # noqa: BLE001 - whatever it is, what was acknowledged must be tried again
            self._fail(error)
            return False
        with self._changed:
            try:
                self._journal.drop()
            except OSError as error:
                _log.error("The journal cannot be cleared: %s. What it holds is stored already.", error)
            if self._failure is not None:
                _log.warning("What waited in the journal is loaded.")
            for one, counts in zip(sequences, written, strict=True):
                if one in self._written:
                    self._written[one] = counts
            self._loaded, self._failure = sequences[-1], None
            self._changed.notify_all()
        return True

    def _read_back(self, sequences: Sequence[int]) -> list[SpanBatch]:
        """The batches with these numbers.

        Raises:
            StoreError: they are not in the journal as they were written to it.
        """
        try:
            found = list(self._journal.sealed())
        except OSError as error:
            raise StoreError(f"The journal cannot be read: {error}") from error
        if [one.sequence for one in found] != list(sequences):
            raise StoreError(f"The journal is damaged: {len(found)} of {len(sequences)} batches are whole")
        return [one.batch for one in found]
