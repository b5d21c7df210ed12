"""Opens a database for a collector, and moves unreadable files to quarantine; it overwrites nothing."""

import logging
import shutil
from pathlib import Path
from typing import Final

from laban_collector.errors import StoreDamaged, StoreError
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.sidecar_files import (
    Now,
    move_to_quarantine,
    quarantine_path,
    ring_path,
    utc_now,
)

_log = logging.getLogger(__name__)

_MAGIC: Final = (8, b"DUCK")
"""Offset and content of the mark in every DuckDB file."""


def open_or_quarantine(path: Path, now: Now = utc_now) -> Database:
    """Open a database for a collector; rename damaged files, and open the rest or a new file.

    A damaged log is moved alone, because the file holds everything up to the last checkpoint. A damaged file
    is moved with its log, as `FILE.damaged-<time>`, so that DuckDB still finds one next to the other. A file
    that never was a laban database stays where it is.

    Raises:
        StoreError: as `Database.open`, but `StoreDamaged` only for a file that is not one of laban's.
    """
    _copy_log(path)
    try:
        return Database.open(path)
    except StoreError as damage:
        log_copy(path).unlink(missing_ok=True)
        if not isinstance(damage, StoreDamaged) or not _was_ours(path):
            raise
        _log.error("%s", damage)
    damaged = quarantine_path(path, now)
    log = wal_of(path)
    if log.exists():
        move_to_quarantine(log, wal_of(damaged))
        try:
            return Database.open(path)
        except StoreDamaged:
            wal_of(damaged).rename(log)  # the file is broken too: they stay together
    _quarantine(path, damaged)
    return Database.open(path)


def log_copy(path: Path) -> Path:
    """The copy of a killed collector's write-ahead log, kept until the ledger was checked."""
    return path.with_name(f"{path.name}.wal-at-start")


def _copy_log(path: Path) -> None:
    """Copy the log of a killed collector: DuckDB drops a log with a damaged header as it opens the file.

    Copying 256 MB, the largest log, takes 0.2 s.
    """
    log, copy = wal_of(path), log_copy(path)
    copy.unlink(missing_ok=True)
    if log.exists() and shutil.disk_usage(log.absolute().parent).free > 2 * log.stat().st_size:
        shutil.copyfile(log, copy)


def _was_ours(path: Path) -> bool:
    """Whether an unreadable file was a collector's database: its first bytes or its ledger ring say so."""
    if ring_path(path).exists():
        return True
    offset, magic = _MAGIC
    with path.open("rb") as file:
        return file.read(offset + len(magic))[offset:] == magic


def _quarantine(path: Path, damaged: Path) -> None:
    pairs = ((wal_of(path), wal_of(damaged)), (ring_path(path), ring_path(damaged)), (path, damaged))
    for old, new in pairs:
        if old.exists():
            move_to_quarantine(old, new)
    _log.critical("%s is damaged. It was moved to %s, and a new database starts here.", path, damaged)
