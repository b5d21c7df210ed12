"""Opens a database to write to it, and sets aside what cannot be read, never overwriting it."""

import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from laban_collector.errors import StoreDamaged, StoreError
from laban_collector.ingest.journal import Journaled, journal_of
from laban_collector.ingest.ledger_ring import LedgerRing, ring_path
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability.ledger import LedgerReport, compare

_log = logging.getLogger(__name__)

_MAGIC: Final = (8, b"DUCK")
"""Where a DuckDB file says what it is."""

_BESIDE: Final = (".wal", ".ledger", *(path.suffix for path in journal_of(Path("database"))))
"""What a database has beside it."""

Now = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def open_or_set_aside(path: Path, now: Now = _utc_now) -> Database:
    """Open a database for a collector; damaged files are renamed, and what is left is opened, or a new file.

    A damaged log is set aside alone: the file holds all up to the last checkpoint. A damaged file is set
    aside with its log, as `FILE.damaged-<time>`, so that DuckDB still finds the one beside the other. A file
    that never was a laban database is left where it is.

    Raises:
        StoreError: as `Database.open`, but `StoreDamaged` only for a file that is not one of laban's.
    """
    _keep_log(path)
    try:
        return Database.open(path)
    except StoreError as damage:
        _kept_log(path).unlink(missing_ok=True)
        if not isinstance(damage, StoreDamaged) or not _was_ours(path):
            raise
        _log.error("%s", damage)
    aside = _aside(path, now)
    log = wal_of(path)
    if log.exists():
        _rename(log, wal_of(aside))
        try:
            return Database.open(path)
        except StoreDamaged:
            wal_of(aside).rename(log)  # the file is broken too: they stay together
    _set_aside(path, aside)
    return Database.open(path)


def check_ledger(
    database: Database, left: Sequence[Journaled] = (), now: Now = _utc_now
) -> tuple[LedgerRing, LedgerReport]:
    """Compare a database that was just opened with its ledger, say so loudly if they differ, and go on.

    `left` is what is in the journal, to be loaded next.

    What differs is said once: the ledger's ring is then set aside, and a new one begins at what is there.

    Raises:
        StoreError: DuckDB refused.
        OSError: the ring cannot be opened.
    """
    place, kept = ring_path(database.path), _kept_log(database.path)
    ring = LedgerRing.open(place)
    report = compare(database, ring, left)
    if report.agrees:
        _log.info("%s: %s.", database.path, report.in_words())
    else:
        _log.critical("%s DOES NOT HOLD WHAT WAS ACKNOWLEDGED: %s.", database.path, report.in_words())
    if report.missing.commits:
        ring.close()
        aside = _aside(database.path, now)
        _rename(place, ring_path(aside))
        if kept.exists():
            _rename(kept, wal_of(aside))
        for journal, copy in zip(journal_of(database.path), journal_of(aside), strict=True):
            if journal.exists():  # what can be read of it is loaded, and then it is written over
                shutil.copyfile(journal, copy)
                _log.error("%s was kept as %s.", journal, copy)
        ring = LedgerRing.open(place)
        _begin(ring, database, left)
    kept.unlink(missing_ok=True)
    return ring, report


def _begin(ring: LedgerRing, database: Database, left: Sequence[Journaled]) -> None:
    """Note in a new ring what is there, so that it is known what came after."""
    with database.reading() as cursor:
        [(last,)] = cursor.execute(sql("write/last_arrival")).fetchall()
    spans = {int(last): 0} | {one.sequence: one.batch.spans.num_rows for one in left if one.sequence > last}
    if newest := max(spans):
        ring.record(newest, sum(spans.values()))


def set_aside(path: Path) -> list[Path]:
    """What was set aside of a database, oldest first."""
    return sorted(path.absolute().parent.glob(f"{path.name}.damaged-*"))


def _keep_log(path: Path) -> None:
    """Keep the log of a collector that was killed until the ledger has been compared.

    DuckDB drops a log with a damaged header as it opens the file. 256 MB, the most there is, take 0.2 s.
    """
    log, kept = wal_of(path), _kept_log(path)
    kept.unlink(missing_ok=True)
    if log.exists() and shutil.disk_usage(log.absolute().parent).free > 2 * log.stat().st_size:
        shutil.copyfile(log, kept)


def _kept_log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal-at-start")


def _was_ours(path: Path) -> bool:
    """Whether a file that cannot be read was a database of a collector: it says so, or its ledger does."""
    if ring_path(path).exists():
        return True
    offset, magic = _MAGIC
    with path.open("rb") as file:
        return file.read(offset + len(magic))[offset:] == magic


def _set_aside(path: Path, aside: Path) -> None:
    pairs: Iterable[tuple[Path, Path]] = (
        (wal_of(path), wal_of(aside)),
        (ring_path(path), ring_path(aside)),
        (path, aside),
    )
    for old, new in pairs:
        if old.exists():
            _rename(old, new)
    _log.critical("%s is damaged. It was set aside as %s, and a new database begins here.", path, aside)


def _aside(path: Path, now: Now) -> Path:
    """A name beside a file that is not taken."""
    stamp = f"{path.name}.damaged-{now():%Y%m%dT%H%M%SZ}"
    found = set_aside(path)
    taken = {one.stem if one.suffix in _BESIDE else one.name for one in found}
    names = [stamp, *(f"{stamp}-{number}" for number in range(2, len(found) + 3))]
    return path.with_name(next(name for name in names if name not in taken))


def _rename(old: Path, new: Path) -> None:
    old.rename(new)
    _log.error("%s was set aside as %s.", old, new)
