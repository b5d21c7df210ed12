"""The ledger ring: the newest acknowledged commits, kept outside the database.

The table `ledger` is in the same write-ahead log as the rows that it counts. A truncated log loses both, and
DuckDB opens the rest without a message. `FILE.ledger` is a ring of the newest commits, written in place and
synced after each commit, before the senders are answered."""

import os
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Self

from laban_collector.store.private_files import open_private

SLOTS: Final = 4096
"""Number of commits in the ring: more than one minute's commits at the shortest commit delay."""

_SLOT: Final = struct.Struct("<QqQQ")
_CRC_OF: Final = _SLOT.size - 8


class Entry(NamedTuple):
    """One acknowledged commit.

    Attributes:
        sequence: its commit sequence, `arrival` in the table `ledger`.
        time: ns since the epoch.
        total: spans acknowledged since the ring began, including this commit.
    """

    sequence: int
    time: int
    total: int


class Missing(NamedTuple):
    """Acknowledged commits after the newest commit of a store, which the store lacks.

    Attributes:
        commits: number of commits.
        spans: number of spans; a lower bound if the ring does not reach back far enough.
        exact: whether `spans` is exact.
    """

    commits: int
    spans: int
    exact: bool


class LedgerRing:
    """The ring. Only the process that has the store open writes to it.

    A slot that was being written when the power failed has a wrong checksum, and is ignored.
    """

    def __init__(self, path: Path, descriptor: int, clock: Callable[[], int]) -> None:
        self.path = path
        self._descriptor = descriptor
        self._clock = clock
        self._entries = _read(os.pread(descriptor, SLOTS * _SLOT.size, 0))

    @classmethod
    def open(cls, path: Path, clock: Callable[[], int] = time.time_ns) -> Self:
        """Open the ring, and create it if it does not exist.

        Raises:
            StoreError: it is a symbolic link.
            OSError: it cannot be opened or created.
        """
        descriptor = open_private(path)
        try:
            size = os.fstat(descriptor).st_size
            if size != SLOTS * _SLOT.size:
                # Allocate all of its space now, so that writing in place also works on a full disk. What a
                # damaged ring still holds stays.
                os.ftruncate(descriptor, SLOTS * _SLOT.size)
                os.pwrite(descriptor, bytes(max(SLOTS * _SLOT.size - size, 0)), size)
                os.fsync(descriptor)
            return cls(path, descriptor, clock)
        except BaseException:
            os.close(descriptor)
            raise

    @property
    def gaps(self) -> int:
        """Commits that are missing between those in the ring: their slots are damaged."""
        return max(self._entries) - min(self._entries) + 1 - len(self._entries) if self._entries else 0

    def spans_after(self, sequence: int) -> dict[int, int]:
        """Return the spans of each commit after this one, as far as the ring holds the commit before it."""
        entries = dict(self._entries)  # a copy, because senders go on recording
        return {
            number: entry.total - entries[number - 1].total
            for number, entry in entries.items()
            if number > sequence and number - 1 in entries
        }

    @property
    def last(self) -> Entry | None:
        """The newest commit; None if there is none."""
        return self._entries[max(self._entries)] if self._entries else None

    def record(self, sequence: int, spans: int) -> None:
        """Record a commit; it is on disk when this returns.

        Raises:
            OSError: writing failed.
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

    def missing_after(self, sequence: int, unloaded: Mapping[int, int] | None = None) -> Missing:
        """Return the acknowledged commits that are in neither the store nor the journal.

        Args:
            sequence: that of the newest commit in the store.
            unloaded: number of spans of each commit that is still in the journal, by sequence.
        """
        last = self.last
        if last is None or last.sequence <= sequence:
            return Missing(0, 0, exact=True)
        known = self._entries.get(sequence)
        start = known.total if known else self._entries[min(self._entries)].total
        exact = known is not None or (sequence == 0 and 1 in self._entries)
        if exact and known is None:
            start = 0
        safe = [spans for number, spans in (unloaded or {}).items() if sequence < number <= last.sequence]
        commits = last.sequence - sequence - len(safe)
        if not commits:
            return Missing(0, 0, exact=True)
        return Missing(commits, max(last.total - start - sum(safe), 0), exact)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _read(content: bytes) -> dict[int, Entry]:
    entries: dict[int, Entry] = {}
    for offset in range(0, len(content) - _SLOT.size + 1, _SLOT.size):
        sequence, written, total, checksum = _SLOT.unpack_from(content, offset)
        if sequence and zlib.crc32(content[offset : offset + _CRC_OF]) == checksum:
            entries[sequence] = Entry(sequence, written, total)
    return entries
