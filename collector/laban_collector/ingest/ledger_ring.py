"""The ledger's ring, kept outside the database: what was acknowledged, though the log that held it be lost.

The table `ledger` lies in the write-ahead log with the rows that it counts, so a log that is cut short takes
both away, and DuckDB opens what is left without a word. `FILE.ledger` is a ring of the newest commits,
written in place and synced after each commit and before the senders hear of it.
"""

import os
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Self

SLOTS: Final = 4096
"""Commits that the ring remembers: more than a minute's at the default commit delay."""

_SLOT: Final = struct.Struct("<QqQQ")
_CRC_OF: Final = _SLOT.size - 8


class Entry(NamedTuple):
    """One acknowledged commit.

    Attributes:
        sequence: its number, as `arrival` in the table `ledger`.
        time: ns since the epoch.
        total: spans acknowledged since the ring began, this commit's among them.
    """

    sequence: int
    time: int
    total: int


class Missing(NamedTuple):
    """What was acknowledged after the newest commit that a database still has.

    Attributes:
        commits: how many commits.
        spans: how many spans in them; at least as many where the ring does not reach back far enough.
        exact: whether `spans` is all.
    """

    commits: int
    spans: int
    exact: bool


class LedgerRing:
    """The ring; one process writes it, the one that has the database open.

    A slot that was being written when the power went has a wrong checksum, and is as if it were not there.
    """

    def __init__(self, path: Path, descriptor: int, clock: Callable[[], int]) -> None:
        self.path = path
        self._descriptor = descriptor
        self._clock = clock
        self._entries = _read(os.pread(descriptor, SLOTS * _SLOT.size, 0))

    @classmethod
    def open(cls, path: Path, clock: Callable[[], int] = time.time_ns) -> Self:
        """Open the ring, and make it if it does not exist.

        Raises:
            OSError: it cannot be opened or made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(descriptor).st_size != SLOTS * _SLOT.size:
                # All of its space is taken now: to write in place later, a full disk has room.
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, bytes(SLOTS * _SLOT.size), 0)
                os.fsync(descriptor)
            return cls(path, descriptor, clock)
        except BaseException:
            os.close(descriptor)
            raise

    @property
    def last(self) -> Entry | None:
        """The newest commit; None when there was none."""
        return self._entries[max(self._entries)] if self._entries else None

    def record(self, sequence: int, spans: int) -> None:
        """Note a commit; it is on disk when this returns.

        Raises:
            OSError: the disk refused.
        """
        before = self.last
        entry = Entry(sequence, self._clock(), (before.total if before else 0) + spans)
        slot = _SLOT.pack(*entry, 0)[:_CRC_OF]
        os.pwrite(
            self._descriptor, slot + zlib.crc32(slot).to_bytes(8, "little"), sequence % SLOTS * _SLOT.size
        )
        os.fdatasync(self._descriptor)
        self._entries[sequence] = entry
        self._entries.pop(sequence - SLOTS, None)

    def missing_after(self, sequence: int, elsewhere: Mapping[int, int] | None = None) -> Missing:
        """What was acknowledged after this commit, the newest that the database has.

        Args:
            sequence: its number.
            elsewhere: commits that are still to be loaded, by number, and their spans.
        """
        last = self.last
        if last is None or last.sequence <= sequence:
            return Missing(0, 0, exact=True)
        known = self._entries.get(sequence)
        start = known.total if known else self._entries[min(self._entries)].total
        exact = known is not None or (sequence == 0 and 1 in self._entries)
        if exact and known is None:
            start = 0
        safe = [spans for number, spans in (elsewhere or {}).items() if sequence < number <= last.sequence]
        commits = last.sequence - sequence - len(safe)
        if not commits:
            return Missing(0, 0, exact=True)
        return Missing(commits, max(last.total - start - sum(safe), 0), exact)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def ring_path(database: Path) -> Path:
    """Where the ring of a database's ledger is."""
    return database.with_name(f"{database.name}.ledger")


def _read(content: bytes) -> dict[int, Entry]:
    entries: dict[int, Entry] = {}
    for offset in range(0, len(content) - _SLOT.size + 1, _SLOT.size):
        sequence, written, total, checksum = _SLOT.unpack_from(content, offset)
        if sequence and zlib.crc32(content[offset : offset + _CRC_OF]) == checksum:
            entries[sequence] = Entry(sequence, written, total)
    return entries
