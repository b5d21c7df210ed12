"""Replaces a damaged store while the collector runs, and stores what can be rescued of damaged files."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import StoreError, StoreUnwritable
from laban_collector.ingest.journal import Journaled
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.store.base import Store, Written
from laban_collector.store.damage import Rescue, Rescued
from laban_collector.store.sidecar_files import keep_record, rescues, ring_path

_log = logging.getLogger(__name__)

_RETRY: Final = 1.0
"""Seconds after which an attempt that failed is repeated."""


class RepairThread:
    """Waits for damage; replaces the store, and rescues the damaged file.

    Args:
        store: open for writing.
        replace: sets the damaged store aside and continues with an empty one; called again if it fails.
        write: stores a batch durably, like a batch from a sender.
    """

    def __init__(
        self, store: Store, replace: Callable[[], object], write: Callable[[SpanBatch], Written]
    ) -> None:
        self._store = store
        self._replace = replace
        self._write = write
        self._trouble = threading.Event()
        self._stopping = threading.Event()
        self._stored = 0
        self._replacing = False
        self.records: tuple[Rescue, ...] = tuple(rescues(store.path))
        """The rescues of all damaged files next to the store."""
        self._thread = threading.Thread(target=self._run, name="laban-repair")

    def start(self) -> None:
        """Start; rescues that an earlier process did not end begin again."""
        self._store.watch(self._trouble.set)
        self.records = tuple(rescues(self._store.path))  # the comparison with the ledger may have added one
        self._trouble.set()
        self._thread.start()

    def stop(self) -> None:
        """End; a rescue that is running is repeated by the next collector."""
        self._stopping.set()
        self._trouble.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> None:
        """Read the records again: one was written elsewhere."""
        self._trouble.set()

    def keep(self, record: Rescue) -> None:
        """Write the record of a rescue, and show it.

        Raises:
            OSError: it cannot be written.
        """
        keep_record(self._store.path, record)
        self._show(record)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._trouble.wait()
            self._trouble.clear()
            try:
                self._repair()
            except Exception as error:  # noqa: BLE001 - after any error the next attempt may succeed
                expected = isinstance(error, (StoreError, OSError))
                _log.error("The store is not repaired yet: %s", error, exc_info=None if expected else error)
                if not self._stopping.wait(_RETRY):
                    self._trouble.set()

    def _repair(self) -> None:
        self._store.confirm(self._pause)
        if (self._replacing or self._store.damage is not None) and not self._stopping.is_set():
            self._replacing = True
            self._replace()
            self._replacing = False
        self.records = tuple(rescues(self._store.path))
        for record in self.records:
            if record.state in ("waiting", "running") and not self._interrupted():
                self._rescue(record)

    def _rescue(self, record: Rescue) -> None:
        damaged = self._store.path.with_name(record.file)
        _log.warning("%s is being rescued.", damaged)
        self._stored = 0
        running = record.model_copy(update={"state": "running", "stored": 0, "found": 0, "error": None})
        self.keep(running)

        def write(batch: SpanBatch) -> None:
            while not self._interrupted():
                try:
                    written = self._write(batch)
                except StoreError as error:
                    _log.warning("Rescued spans cannot be stored yet: %s", error)
                    self._stopping.wait(_RETRY)
                    continue
                self._stored += written.spans
                self._show(running.model_copy(update={"stored": self._stored}))
                return

        try:
            result = self._store.rescue(damaged, write, self._pause)
        except StoreUnwritable as error:  # the next start has more space, perhaps
            self.keep(record.model_copy(update={"state": "waiting", "error": str(error)}))
            _log.error("%s is not rescued before the next start: %s", damaged, error)
            return
        except StoreError as error:
            self._end(self._failed(running, str(error)))
            return
        if self._interrupted():
            return
        if result is None:
            raise StoreError(f"the rescue of {damaged} was ended from outside")
        self._end(self._done(running, result))

    def _done(self, record: Rescue, result: Rescued) -> Rescue:
        changes = {
            "state": "done",
            "found": result.spans,
            "stored": self._stored,
            "losses": result.losses,
            "unread": self._unread(record, result.newest),
        }
        return record.model_copy(update=changes)

    def _failed(self, record: Rescue, reason: str) -> Rescue:
        return record.model_copy(
            update={"state": "failed", "error": reason, "unread": self._unread(record, 0)}
        )

    def _unread(self, record: Rescue, newest: int) -> int:
        """Return the spans of acknowledged commits that neither the damaged file nor the journal held."""
        path = ring_path(self._store.path.with_name(record.file))
        if not path.exists():
            return 0
        ring = LedgerRing.open(path)
        try:
            return ring.missing_after(newest, record.journaled or {}).spans
        finally:
            ring.close()

    def _end(self, record: Rescue) -> None:
        self.keep(record)
        _log.log(logging.WARNING if record.agrees else logging.CRITICAL, "%s.", record.in_words())

    def _show(self, record: Rescue) -> None:
        others = [one for one in self.records if one.file != record.file]
        self.records = tuple(sorted([*others, record], key=lambda one: one.file))

    def _interrupted(self) -> bool:
        return self._stopping.is_set() or self._store.damage is not None

    def _pause(self, seconds: float) -> bool:
        self._stopping.wait(seconds)
        return self._interrupted()


def note_journaled(store: Store, unloaded: Sequence[Journaled]) -> None:
    """Record in new rescues which commits the journal holds: they are loaded now, so they are not lost.

    Raises:
        OSError: a record cannot be written.
    """
    for record in rescues(store.path):
        if record.state == "waiting" and record.journaled is None:
            spans = {one.sequence: one.batch.spans.num_rows for one in unloaded}
            keep_record(store.path, record.model_copy(update={"journaled": spans}))
