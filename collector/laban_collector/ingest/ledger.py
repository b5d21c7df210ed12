"""What was acknowledged compared with what a store holds, checked when a collector starts."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from laban_collector.ingest.journal import Journaled
from laban_collector.ingest.ledger_ring import LedgerRing, Missing
from laban_collector.store.base import LedgerCheck, Store
from laban_collector.store.sidecar_files import (
    Now,
    journal_paths,
    move_to_quarantine,
    quarantine_path,
    ring_path,
    utc_now,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The result of comparing a store with the commits that were acknowledged.

    Attributes:
        commits: commits in the ledger of the store.
        missing: acknowledged after the newest of them, and not in the store: its log was cut short.
        different: commits with another number of spans than was acknowledged.
        lacking: spans missing from these commits.
        surplus: spans too many in these commits.
    """

    commits: int
    missing: Missing
    different: int
    lacking: int
    surplus: int

    @property
    def agrees(self) -> bool:
        """Whether the store holds everything that was acknowledged, and nothing else."""
        return not self.missing.commits and not self.different

    def in_words(self) -> str:
        """One line for a person."""
        if self.agrees:
            return f"all of {self.commits:,} commits are there"
        found: list[str] = []
        if self.missing.commits:
            at_least = "" if self.missing.exact else "at least "
            found.append(
                f"the newest {self.missing.commits:,} acknowledged commits "
                f"({at_least}{self.missing.spans:,} spans) are missing"
            )
        if self.different:
            found.append(
                f"{self.different:,} commits differ "
                f"({self.lacking:,} spans missing, {self.surplus:,} too many)"
            )
        return "; ".join(found)


def check_ledger(
    store: Store, unloaded: Sequence[Journaled] = (), now: Now = utc_now
) -> tuple[LedgerRing, LedgerReport]:
    """Compare a store that was just opened with its ledger and the ring; log the result, and go on.

    Missing commits are reported once: the ring goes to quarantine, and a new one starts with what the store
    holds.

    Args:
        store: open to write.
        unloaded: batches in the journal, which are loaded next and so are not lost.
        now: the time for the names of quarantined files.

    Returns:
        The ring, open, and the report.

    Raises:
        StoreError: the store did not answer.
        OSError: the ring cannot be opened.
    """
    ring = LedgerRing.open(ring_path(store.path))
    found = store.check_ledger()
    report = _report(found, ring, unloaded)
    if report.agrees:
        _log.info("%s: %s.", store.path, report.in_words())
    else:
        _log.critical("%s DOES NOT HOLD WHAT WAS ACKNOWLEDGED: %s.", store.path, report.in_words())
    if not report.missing.commits:
        store.end_recovery(None)
        return ring, report
    ring.close()
    damaged = quarantine_path(store.path, now)
    move_to_quarantine(ring_path(store.path), ring_path(damaged))
    store.end_recovery(damaged)
    for journal, copy in zip(journal_paths(store.path), journal_paths(damaged), strict=True):
        if journal.exists():  # its readable batches are loaded next; then it is overwritten
            shutil.copyfile(journal, copy)
            _log.error("%s was kept as %s.", journal, copy)
    ring = LedgerRing.open(ring_path(store.path))
    _start_ring(ring, found.newest, unloaded)
    return ring, report


def _report(found: LedgerCheck, ring: LedgerRing, unloaded: Sequence[Journaled]) -> LedgerReport:
    waiting = {one.sequence: one.batch.spans.num_rows for one in unloaded}
    missing = ring.missing_after(found.newest, waiting)
    return LedgerReport(found.commits, missing, found.different, found.lacking, found.surplus)


def _start_ring(ring: LedgerRing, newest: int, unloaded: Sequence[Journaled]) -> None:
    """Record what the store and the journal hold, so that later losses are counted from there."""
    spans = {newest: 0} | {
        one.sequence: one.batch.spans.num_rows for one in unloaded if one.sequence > newest
    }
    if last := max(spans):
        ring.record(last, sum(spans.values()))
