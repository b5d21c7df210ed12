"""Opens a database for a collector, and moves unreadable files to quarantine; never overwrites a file."""

import logging
import os
import re
import shutil
from pathlib import Path
from typing import Final

from laban_collector.errors import StoreDamaged, StoreError, StoreUnwritable
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.private_files import copy_private, refuse_links, remove_if_empty
from laban_collector.store.sidecar_files import (
    Now,
    move_to_quarantine,
    quarantine_path,
    ring_path,
    utc_now,
)

_log = logging.getLogger(__name__)

_BAD_ENTRY: Final = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")
_ENTRY_HEADER: Final = 16
"""Bytes of the length and the checksum of an entry, which come before the position that DuckDB names."""
_MAGIC: Final = (8, b"DUCK")
"""Offset and content of the magic bytes in every DuckDB file."""


def open_or_quarantine(path: Path, now: Now = utc_now) -> Database:
    """Open a database for a collector; rename damaged files, and open the remaining or a new file.

    A damaged log is moved alone, because the file holds everything up to the last checkpoint. A damaged file
    is moved together with its log to `FILE.damaged-<time>`, so that DuckDB still finds the log next to the
    file. A file that was never a laban database is not moved.

    Raises:
        StoreError: like `Database.open`, but `StoreDamaged` only for a file that is not laban's.
    """
    remove_if_empty(path)  # DuckDB refuses it
    existed = os.path.lexists(path)
    refuse_links([wal_of(path)])  # before it is copied
    _copy_log(path)
    try:
        return _open_with_log(path)
    except StoreError as damage:
        log_copy(path).unlink(missing_ok=True)
        if not existed and isinstance(damage, StoreUnwritable):
            _remove_begun(path)
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
            wal_of(damaged).rename(log)  # the file is broken too: keep both together
    _quarantine(path, damaged)
    return Database.open(path)


def _open_with_log(path: Path) -> Database:
    """Open a database; cut its log where an entry is not intact, and replay those before it.

    After a power cut, the last entry may be there in part. It was never acknowledged. If acknowledged ones
    are cut off too, the comparison with the ledger tells, and the copy of the log is kept.

    Raises:
        StoreError: like `Database.open`.
    """
    log = wal_of(path)
    while True:
        try:
            return Database.open(path)
        except StoreDamaged as damage:
            found = _BAD_ENTRY.search(str(damage))
            if not found or not log_copy(path).exists():
                raise
            intact = int(found[1]) - _ENTRY_HEADER
            if not 0 < intact < log.stat().st_size:
                raise
            _log.warning("%s is not intact from byte %d on, and was cut there: %s", log, intact, damage)
            os.truncate(log, intact)


def _remove_begun(path: Path) -> None:
    """Remove the beginning of a new database that did not fit on the disk; it holds nothing."""
    for file in (path, wal_of(path)):
        file.unlink(missing_ok=True)


def log_copy(path: Path) -> Path:
    """Return the path of the copy of a killed collector's log, kept until the ledger is checked."""
    return path.with_name(f"{path.name}.wal-at-start")


def _copy_log(path: Path) -> None:
    """Copy the log of a killed collector: DuckDB drops a log with a damaged header when it opens the file.

    Copying 256 MB, the largest log, takes 0.2 s.
    """
    log, copy = wal_of(path), log_copy(path)
    copy.unlink(missing_ok=True)
    if log.exists() and shutil.disk_usage(log.absolute().parent).free > 2 * log.stat().st_size:
        try:
            copy_private(log, copy)
        except OSError as error:
            copy.unlink(missing_ok=True)
            _log.warning("%s was not copied before it is replayed: %s.", log, error)


def _was_ours(path: Path) -> bool:
    """Return whether an unreadable file was a collector's database, by its first bytes or its ledger ring."""
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
