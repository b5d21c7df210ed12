"""Files next to a store: the journal, the ledger ring, and the names of quarantined files."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_log = logging.getLogger(__name__)

_JOURNAL_FILES: Final = 5

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
    return sorted(store.absolute().parent.glob(f"{store.name}.damaged-*"))


def quarantine_path(store: Path, now: Now = utc_now) -> Path:
    """Return a free name for a damaged store: `FILE.damaged-<time>`."""
    stamp = f"{store.name}.damaged-{now():%Y%m%dT%H%M%SZ}"
    found = quarantined(store)
    suffixes = {".wal", ring_path(store).suffix, *(path.suffix for path in journal_paths(store))}
    taken = {one.stem if one.suffix in suffixes else one.name for one in found}
    names = [stamp, *(f"{stamp}-{number}" for number in range(2, len(found) + 3))]
    return store.with_name(next(name for name in names if name not in taken))


def move_to_quarantine(old: Path, new: Path) -> None:
    """Rename a damaged file, and log it."""
    old.rename(new)
    _log.error("%s was moved to %s.", old, new)
