"""Opens a database for a collector, and sets damaged files aside; never overwrites a file.

FILE, FILE.wal ──▶ opened on trial ──▶ opened
                       │ damaged
                       ├─▶ the log is cut at its first wrong entry, and the whole log is kept ──▶ opened
                       └─▶ FILE.damaged-<time>, rescued later (`rescue`), and a new FILE
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from laban_collector.errors import StoreDamaged, StoreError, StoreUnwritable
from laban_collector.store.damage import Rescue
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.duckdb.connection.open_errors import check_place
from laban_collector.store.duckdb.durability.blocks import DATA, is_duckdb
from laban_collector.store.duckdb.durability.log_entries import intact_length, is_torn
from laban_collector.store.duckdb.durability.parent_pipe import parent_pipe
from laban_collector.store.duckdb.durability.saved_metadata import metadata_path
from laban_collector.store.private_files import copy_private, open_private, remove_if_empty, unwritable
from laban_collector.store.sidecar_files import (
    Now,
    keep_record,
    move_to_quarantine,
    quarantine_path,
    ring_path,
    utc_now,
)

_log = logging.getLogger(__name__)

_CRASHES: Final = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
"""The signals by which a process ends itself when it reads a damaged file."""
_LONGEST_TRIAL: Final = 600.0
"""Seconds until opening a file counts as impossible."""


def open_or_quarantine(path: Path, now: Now = utc_now) -> Database:
    """Open a database for a collector; rename damaged files, and open the remaining or a new file.

    A damaged log is cut at its first wrong entry, and the whole log is kept as `FILE.damaged-<time>.wal`. A
    damaged file is moved together with its log to `FILE.damaged-<time>`, so that DuckDB still finds the log
    next to the file. A file that was never a laban database is not moved.

    Raises:
        StoreError: like `Database.open`, but `StoreDamaged` only for a file that is not laban's; or the trial
            was ended from outside, or there is no space to cut the log.
    """
    check_place(path, read_only=False)  # before anything is copied or moved
    remove_if_empty(path)  # DuckDB refuses it
    existed = os.path.lexists(path)
    _copy_log(path)
    reason = trial(path)
    if reason is not None and _without_torn_end(path):
        reason = trial(path)
        if reason is not None:  # the log was not the cause, or not all of it: the rescue gets the whole one
            log_copy(path).replace(wal_of(path))
    if reason is None:
        try:
            return Database.open(path)
        except StoreError as damage:
            log_copy(path).unlink(missing_ok=True)
            if not existed and isinstance(damage, StoreUnwritable):
                _remove_begun(path)
            if not isinstance(damage, StoreDamaged):
                raise
            reason = str(damage)
    if not _was_ours(path):
        log_copy(path).unlink(missing_ok=True)
        return Database.open(path)  # raises StoreDamaged
    _log.error("%s: %s", path, reason)
    log_copy(path).unlink(missing_ok=True)
    damaged = quarantine_path(path, now)
    if _without_damaged_log(path, damaged):
        return Database.open(path)
    set_aside(path, damaged, reason)
    return Database.open(path)


def _without_torn_end(path: Path) -> bool:
    """Cut off the last entry of a log if it was written in part; return whether it was.

    After a power cut, the last entry may be there in part. It was never acknowledged. If acknowledged ones
    are cut off too, the comparison with the ledger tells, and the copy of the log is kept.
    """
    log = wal_of(path)
    if not log_copy(path).exists():
        return False
    content = log.read_bytes()
    intact = intact_length(content)
    if not intact or not is_torn(content[intact:]):
        return False
    _log.warning("%s ends in an entry that was written in part: cut at byte %d.", log, intact)
    os.truncate(log, intact)
    return True


def _remove_begun(path: Path) -> None:
    """Remove the beginning of a new database that did not fit on the disk; it holds nothing."""
    for file in (path, wal_of(path)):
        file.unlink(missing_ok=True)


def trial(path: Path) -> str | None:
    """Open a file in another process; return why it is damaged, None if a collector can use it.

    Raises:
        StoreError: the process was ended from outside, which says nothing about the file.
    """
    if not path.exists() or not (path.stat().st_size or ring_path(path).exists() or wal_of(path).exists()):
        return None
    if path.stat().st_size < DATA:
        return "the file is cut off within its headers"
    command = [sys.executable, "-m", "laban_collector.store.duckdb.durability.opening_process", str(path)]
    try:
        with parent_pipe() as pipe:
            found = subprocess.run(
                command,
                stdin=pipe,
                capture_output=True,
                timeout=_LONGEST_TRIAL,
                check=False,
                start_new_session=True,
            )
    except subprocess.TimeoutExpired:
        return f"it could not be opened within {_LONGEST_TRIAL:.0f} s"
    if -found.returncode in _CRASHES:
        return f"the process that opened it on trial was ended by signal {-found.returncode}"
    if found.returncode < 0:  # someone ended it, or there was not enough memory
        raise StoreError(
            f"{path} was not opened: the process that opened it on trial was ended by signal "
            f"{-found.returncode}. Nothing was changed; start again, with more memory if it was signal 9."
        )
    return found.stdout.decode(errors="replace") if found.returncode == 1 and found.stdout else None


def set_aside(path: Path, damaged: Path, reason: str) -> None:
    """Rename a damaged file with its log and its ledger ring, and record that it must be rescued.

    Raises:
        OSError: a file cannot be renamed or written.
    """
    keep_record(path, Rescue(file=damaged.name, reason=reason))
    pairs = (
        (wal_of(path), wal_of(damaged)),
        (ring_path(path), ring_path(damaged)),
        (metadata_path(path), metadata_path(damaged)),
        (path, damaged),
    )
    for old, new in pairs:
        if old.exists():
            move_to_quarantine(old, new)
    _log.critical("%s is damaged. It was moved to %s, and a new database starts here.", path, damaged)


def log_copy(path: Path) -> Path:
    """Return the path of the copy of a killed collector's log, kept until the ledger is checked."""
    return path.with_name(f"{path.name}.wal-at-start")


def _copy_log(path: Path) -> None:
    """Copy the log of a killed collector: DuckDB drops a log with a damaged header when it opens the file.

    Copying 64 MB, about the largest log, takes 0.05 s.
    """
    log, copy = wal_of(path), log_copy(path)
    copy.unlink(missing_ok=True)
    if log.exists() and shutil.disk_usage(log.absolute().parent).free > 2 * log.stat().st_size:
        try:
            copy_private(log, copy)
        except OSError as error:
            copy.unlink(missing_ok=True)
            _log.warning("%s was not copied before it is replayed: %s.", log, error)


def _without_damaged_log(path: Path, damaged: Path) -> bool:
    """Cut a damaged log at its first wrong entry, and keep the whole one; return False if that is no cure."""
    log, kept = wal_of(path), wal_of(damaged)
    if not log.exists():
        return False
    move_to_quarantine(log, kept)
    content = kept.read_bytes()
    for length in sorted({intact_length(content), 0}, reverse=True):
        try:
            log.unlink(missing_ok=True)
            if length:
                with os.fdopen(open_private(log, os.O_EXCL), "wb") as file:
                    file.write(content[:length])
            reason = trial(path)
        except (OSError, StoreError) as error:  # for example a full disk: the next start tries again
            kept.replace(log)
            raise unwritable(log, error) if isinstance(error, OSError) else error from None
        if reason is None:
            _log.error("%s: the first %d of %d bytes of the log are intact.", path, length, len(content))
            return True
    kept.rename(log)  # the file is broken too: keep both together
    return False


def _was_ours(path: Path) -> bool:
    """Return whether an unreadable file was a database: its first bytes or the files next to it tell."""
    return ring_path(path).exists() or metadata_path(path).exists() or is_duckdb(path)
