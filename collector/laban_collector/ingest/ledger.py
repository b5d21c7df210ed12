"""Checks, when a collector starts, that the store holds every acknowledged commit."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from laban_collector.ingest.journal import Journal, Journaled
from laban_collector.ingest.ledger_ring import LedgerRing, Missing
from laban_collector.store.base import LedgerCheck, Store
from laban_collector.store.damage import Losses, Rescue
from laban_collector.store.private_files import copy_private
from laban_collector.store.sidecar_files import (
    Now,
    journal_paths,
    keep_record,
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
        missing: commits acknowledged after the newest of these that the store lacks: its log was truncated.
        different: commits whose number of spans differs from the acknowledged number.
        lacking: spans missing from these commits.
        surplus: extra spans in these commits.
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
        """Return the result as one line for people."""
        if self.agrees:
            return f"all {self.commits:,} commits are present"
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
    store: Store,
    unloaded: Sequence[Journaled] = (),
    now: Now = utc_now,
    found: LedgerCheck | None = None,
) -> tuple[LedgerRing, LedgerReport]:
    """Compare a newly opened store with its ledger and the ring, and log the result.

    Missing commits are reported once: the ring is moved to quarantine, and a new ring starts from the content
    of the store.

    Args:
        store: open for writing.
        unloaded: batches in the journal; they are loaded next, so they are not lost.
        now: the time for the names of quarantined files.
        found: the comparison with the ledger in the store; None: it is made here.

    Returns:
        The open ring, and the report.

    Raises:
        StoreError: the store did not answer.
        OSError: the ring cannot be opened.
    """
    ring = LedgerRing.open(ring_path(store.path))
    found = found or store.check_ledger()
    report = _report(found, ring, unloaded)
    if report.agrees:
        _log.info("%s: %s.", store.path, report.in_words())
    else:
        _log.critical("%s DOES NOT MATCH THE ACKNOWLEDGED COMMITS: %s.", store.path, report.in_words())
    if not report.missing.commits:
        store.end_recovery(None)
        return ring, report
    ring.close()
    damaged = quarantine_path(store.path, now)
    note_loss(store, damaged, report.missing, report.in_words())
    move_to_quarantine(ring_path(store.path), ring_path(damaged))
    store.end_recovery(damaged)
    for journal, copy in zip(journal_paths(store.path), journal_paths(damaged), strict=True):
        if journal.exists():  # its readable batches are loaded next; then it is overwritten
            copy_private(journal, copy)
            _log.error("%s was kept as %s.", journal, copy)
    ring = LedgerRing.open(ring_path(store.path))
    _start_ring(ring, found.newest, unloaded)
    return ring, report


def with_left_behind(
    store: Store, newest: int, journal: Journal, unloaded: Sequence[Journaled]
) -> list[Journaled]:
    """Add batches that were loaded and are still in the journal, if the store has lost the newest commits.

    Raises:
        OSError: the journal or the ring cannot be read.
    """
    ring = LedgerRing.open(ring_path(store.path))
    try:
        missing = ring.missing_after(newest, {one.sequence: one.batch.spans.num_rows for one in unloaded})
    finally:
        ring.close()
    if not missing.commits:
        return list(unloaded)
    found = journal.left_behind(newest)
    _log.warning("%s lacks commits; %d batches of them are in the journal.", store.path, len(found))
    return sorted({one.sequence: one for one in (*found, *unloaded)}.values(), key=lambda one: one.sequence)


def note_loss(store: Store, damaged: Path, missing: Missing, sentence: str) -> None:
    """Record lost commits next to a store, so that its status says so until the record is deleted.

    Args:
        store: the store that lacks them.
        damaged: the name under which damaged files are kept.
        missing: the lost commits.
        sentence: the same for people.

    Raises:
        OSError: the record cannot be written.
    """
    losses = Losses(exact=missing.exact)
    keep_record(
        store.path,
        Rescue(file=damaged.name, state="done", losses=losses, unread=missing.spans, note=sentence),
    )


def _report(found: LedgerCheck, ring: LedgerRing, unloaded: Sequence[Journaled]) -> LedgerReport:
    waiting = {one.sequence: one.batch.spans.num_rows for one in unloaded}
    missing = ring.missing_after(found.newest, waiting)
    return LedgerReport(found.commits, missing, found.different, found.lacking, found.surplus)


def _start_ring(ring: LedgerRing, newest: int, unloaded: Sequence[Journaled]) -> None:
    """Record the content of the store and the journal, so that later losses are counted from there."""
    spans = {newest: 0} | {
        one.sequence: one.batch.spans.num_rows for one in unloaded if one.sequence > newest
    }
    if last := max(spans):
        ring.record(last, sum(spans.values()))
