"""Files next to a store: the journal, the ledger ring, and the names and rescue records of quarantined
files."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from laban_collector.store.damage import Rescue
from laban_collector.store.private_files import make_private, write_private

_log = logging.getLogger(__name__)

_JOURNAL_FILES: Final = 5
_RECORD: Final = ".rescue"

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time, for the names of quarantined files."""
    return datetime.now(UTC)


def journal_paths(store: Path) -> tuple[Path, ...]:
    """Return the files that a store's journal may use."""
    return tuple(store.with_name(f"{store.name}.journal-{number}") for number in range(_JOURNAL_FILES))


def ring_path(store: Path) -> Path:
    """Return the file of a store's ledger ring."""
    return store.with_name(f"{store.name}.ledger")


def quarantined(store: Path) -> list[Path]:
    """Return the damaged files that were kept next to a store, oldest first."""
    found = store.absolute().parent.glob(f"{store.name}.damaged-*")
    return sorted(path for path in found if _RECORD not in path.name)


def record_path(damaged: Path) -> Path:
    """Return the file that keeps the record of a damaged file's rescue."""
    return damaged.with_name(damaged.name + _RECORD)


def rescued_path(damaged: Path) -> Path:
    """Return the file that holds the rescued rows of a damaged file until they are stored again."""
    return damaged.with_name(f"{damaged.name}{_RECORD}d")


def rescues(store: Path) -> list[Rescue]:
    """Return the records of all rescues next to a store, oldest first; unreadable ones are left out."""
    found: list[Rescue] = []
    for path in sorted(store.absolute().parent.glob(f"{store.name}.damaged-*{_RECORD}")):
        try:
            found.append(Rescue.from_json(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            _log.error("%s cannot be read: %s", path, error)
            found.append(
                Rescue(file=path.name.removesuffix(_RECORD), state="failed", error=f"no record: {error}")
            )
    return found


def keep_record(store: Path, rescue: Rescue) -> None:
    """Write the record of a rescue next to a store.

    Raises:
        OSError: it cannot be written.
    """
    path = record_path(store.with_name(rescue.file))
    new = path.with_name(f"{path.name}.new")
    write_private(new, rescue.to_json())
    new.replace(path)


def quarantine_path(store: Path, now: Now = utc_now) -> Path:
    """Return a free name for a damaged store: `FILE.damaged-<time>`."""
    stamp = f"{store.name}.damaged-{now():%Y%m%dT%H%M%SZ}"
    found = list(store.absolute().parent.glob(f"{store.name}.damaged-*"))
    suffixes = {
        ".wal",
        ".metadata",
        _RECORD,
        ring_path(store).suffix,
        *(path.suffix for path in journal_paths(store)),
    }
    taken = {one.stem if one.suffix in suffixes else one.name for one in found}
    names = [stamp, *(f"{stamp}-{number}" for number in range(2, len(found) + 3))]
    return store.with_name(next(name for name in names if name not in taken))


def move_to_quarantine(old: Path, new: Path) -> None:
    """Rename a damaged file, and log it; from now on, only its owner can read it."""
    make_private((old,))
    old.rename(new)
    _log.error("%s was moved to %s.", old, new)
