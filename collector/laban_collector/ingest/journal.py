"""The journal: acknowledged batches on disk, in order, that are not in the tables yet.

Appending a batch costs a write and a sync. Storing it in DuckDB costs five times less per row if rows arrive
by the hundred thousand instead of by the thousand. So senders are answered once their batch is in the
journal, and the tables receive many batches at once (`JournalLoader`).

Files take turns: batches are appended to one file while the content of another file is loaded. More than two
files are used only while DuckDB is busy. Each file is a list of records (a header, and the tables of a batch
as Arrow IPC streams). When the turn of a file comes again, it is overwritten from the beginning, because
syncing a file that does not grow is faster. A record that was being written when the power failed has a wrong
checksum, and a record of an earlier turn has a lower sequence: the list ends there. Intact records after a
damaged one are read."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import os
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import xxhash

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.store.private_files import copy_private, open_private
from laban_collector.store.sidecar_files import journal_paths

_HEADER: Final = struct.Struct("<8sQQQ")
"""Magic, sequence, number of bytes that follow, XXH3 of these bytes with the sequence as seed."""
_MAGIC: Final = b"labanJ\x00\x01"
_EMPTIED: Final = bytes(len(_MAGIC))
"""In the place of the magic: the batches are in the store. The rest stays, for the case that the store loses
them."""
_OPTIONS: Final = pa.ipc.IpcWriteOptions()
"""Created once; otherwise each stream reads the options from the environment."""
_TABLES: Final = ("spans", "resources", "scopes", "events", "links", "correlations")


class Journaled(NamedTuple):
    """An acknowledged batch.

    Attributes:
        sequence: its commit sequence; one more than the sequence of the previous batch.
        batch: the spans.
    """

    sequence: int
    batch: SpanBatch


class Journal:
    """The journal files next to a store. Only the process that has the store open uses them.

    Not thread-safe. Files are created when they are needed.

    Args:
        store: the path of the store.
    """

    def __init__(self, store: Path) -> None:
        self._active, *others = (_File(path) for path in journal_paths(store))
        # The most recently used file is used next, so two files are usually enough.
        self._free = others[::-1]
        self._sealed: deque[_File] = deque()

    def unloaded(self) -> list[Journaled]:
        """Read the batches that an earlier process acknowledged and may not have loaded, oldest first.

        Raises:
            OSError: a file cannot be read.
        """
        found = (one for file in (self._active, *self._free) for one in file.read())
        return sorted(found, key=lambda one: one.sequence)

    def left_behind(self, after: int) -> list[Journaled]:
        """Read everything intact after a commit, also what was loaded: the store lacks commits after it.

        Raises:
            OSError: a file cannot be read.
        """
        found = {
            one.sequence: one
            for file in (self._active, *self._free)
            for one in file.read(emptied=True)
            if one.sequence > after
        }
        return [found[sequence] for sequence in sorted(found)]

    def keep(self) -> list[list[Journaled]]:
        """Seal the files with batches that an earlier process left, and empty the others.

        Call it before the first batch is appended. At least one file is free afterwards, or `can_append` is
        False until a file is dropped.

        Returns:
            The batches of each sealed file, in the order in which they must be loaded.

        Raises:
            OSError: a file cannot be read or removed.
        """
        read = [(file, list(file.read())) for file in (*self._free, self._active)]  # the first file is last
        left = sorted(((batches[0].sequence, file, batches) for file, batches in read if batches), key=_first)
        self._sealed.extend(file for _, file, _ in left)
        self._free = [file for file, batches in read if not batches]
        for file in self._free:
            file.forget()
        if self._free:
            self._active = self._free.pop()
            self._active.open()  # now, and not when the first sender waits
        return [batches for *_, batches in left]

    @property
    def can_append(self) -> bool:
        """Whether there is a file to append to; only false when an earlier process left every file full."""
        return self._active not in self._sealed

    def append(self, journaled: Journaled) -> None:
        """Append a batch; it is on disk when this returns.

        Raises:
            OSError: writing failed; the batch is not in the journal.
        """
        self._active.append(journaled)

    @property
    def can_turn(self) -> bool:
        """Whether another file is free."""
        return bool(self._free)

    def turn(self) -> None:
        """Seal the active file, so that it can be loaded, and continue with another file."""
        self._sealed.append(self._active)
        self._active = self._free.pop()

    def sealed(self) -> Iterator[Journaled]:
        """Read the intact batches of the oldest sealed file.

        Raises:
            OSError: the file cannot be read.
        """
        return self._sealed[0].appended()

    def copy_sealed(self, path: Path) -> None:
        """Copy the oldest sealed file, which is damaged; raises OSError."""
        self._sealed[0].copy_to(path)

    def drop(self) -> None:
        """Empty the oldest sealed file: its batches are in the store.

        Raises:
            OSError: writing failed; the file is free nonetheless.
        """
        file, full = self._sealed.popleft(), not self.can_append
        self._free.append(file)
        if full:
            self._active = self._free.pop()
        file.forget()

    def close(self) -> None:
        """Close the files, and delete those whose batches are all in the store."""
        for file in (self._active, *self._free, *self._sealed):
            file.close()


def _first(one: tuple[int, "_File", list[Journaled]]) -> int:
    return one[0]


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._end = 0
        """The offset of the next record."""

    def read(self, *, emptied: bool = False) -> Iterator[Journaled]:
        """Yield the intact records, in order; with `emptied` also those that were loaded."""
        self._end = 0
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return
        for record in _records(content, emptied=emptied):
            self._end = record.end  # so that `appended` reads until there, and `close` keeps the file
            yield Journaled(record.sequence, _from_bytes(record.payload))

    def appended(self) -> Iterator[Journaled]:
        """Yield the records that this process appended."""
        # The file is not mapped into memory, because a disk error would then end the process.
        offset = previous = 0
        while offset < self._end:
            header = os.pread(self._opened(), _HEADER.size, offset)
            length = _HEADER.unpack(header)[2] if len(header) == _HEADER.size else 0
            length = min(length, self._end - offset)
            found = _record(memoryview(os.pread(self._opened(), _HEADER.size + length, offset)))
            if found is None:
                rest = os.pread(self._opened(), self._end, 0)
                # `emptied`: zeros at the beginning are damage, because this turn is not over.
                later = [one for one in _records(rest, emptied=True) if one.sequence > previous]
                yield from (Journaled(one.sequence, _from_bytes(one.payload)) for one in later)
                return
            previous = found[0]
            yield Journaled(previous, _from_bytes(found[1]))
            offset += _HEADER.size + length

    def copy_to(self, path: Path) -> None:
        copy_private(self._path, path)

    def append(self, journaled: Journaled) -> None:
        payload = _to_bytes(journaled.batch)
        header = _HEADER.pack(
            _MAGIC, journaled.sequence, len(payload), _checksum(journaled.sequence, payload)
        )
        descriptor = self._opened()
        _write(descriptor, [header, payload], self._end)
        os.fdatasync(descriptor)
        self._end += len(header) + len(payload)

    def open(self) -> None:
        """Open the file; create it if it does not exist."""
        self._opened()

    def forget(self) -> None:
        """Start at the beginning again. Not synced: if old records are read again, their spans are
        skipped."""
        self._end = 0
        if self._descriptor is not None:
            os.pwrite(self._descriptor, _EMPTIED, 0)
        else:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if not self._end:
            self._path.unlink(missing_ok=True)

    def _opened(self) -> int:
        """Return the descriptor of the open file; opening also syncs the directory."""
        if self._descriptor is None:
            self._descriptor = open_private(self._path)
            directory = os.open(self._path.absolute().parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        return self._descriptor


class _Record(NamedTuple):
    sequence: int
    payload: memoryview
    end: int


def _records(content: bytes, *, emptied: bool = False) -> Iterator[_Record]:
    """Yield the records of the last turn, in order.

    Records after a damaged one are found by their beginning. Those of an earlier turn have lower sequences.

    Args:
        content: of a journal file.
        emptied: also yield the records of an emptied file, and those of earlier turns.
    """
    if content.startswith(_EMPTIED):
        if not emptied:
            return
        content = _MAGIC + content[len(_MAGIC) :]
    view, offset, previous = memoryview(content), 0, 0
    while offset >= 0:
        found = _record(view[offset:])
        if found is None:
            offset = content.find(_MAGIC, offset + 1)
            continue
        sequence, payload = found
        if sequence <= previous and not emptied:
            return
        previous, offset = sequence, offset + _HEADER.size + len(payload)
        yield _Record(sequence, payload, offset)


def _record(content: memoryview) -> tuple[int, memoryview] | None:
    """Return sequence and payload of the record at the start of `content`; None if it is not intact."""
    if len(content) < _HEADER.size:
        return None
    magic, sequence, length, checksum = _HEADER.unpack_from(content)
    payload = content[_HEADER.size : _HEADER.size + length]
    if magic != _MAGIC or len(payload) != length or checksum != _checksum(sequence, payload):
        return None
    return sequence, payload


def _checksum(sequence: int, payload: "memoryview | pa.Buffer") -> int:
    return xxhash.xxh3_64_intdigest(payload, seed=sequence)


def _write(descriptor: int, parts: Sequence["bytes | pa.Buffer"], offset: int) -> None:
    rest = [memoryview(part) for part in parts]
    while rest:
        written = os.pwritev(descriptor, rest, offset)
        offset += written
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if rest:
            rest[0] = rest[0][written:]


def _to_bytes(batch: SpanBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    for name in _TABLES:
        table = getattr(batch, name)
        with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as stream:
            stream.write_table(table)
    return sink.getvalue()


def _from_bytes(payload: memoryview) -> SpanBatch:
    source = pa.BufferReader(pa.py_buffer(payload))
    return SpanBatch(**{name: pa.ipc.open_stream(source).read_all() for name in _TABLES})
