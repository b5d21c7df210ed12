"""What was acknowledged and is not in the tables yet: batches on disk, in their order.

To append a batch here costs a write and a sync; to store it in DuckDB costs five times less in rows by the
hundred thousand than by the thousand. So senders are answered when their batch is here, and the tables get
many at once (`JournaledWriter`).

Files take turns: one is appended to while what is in another one is loaded; more than two only while DuckDB
is busy. Each is a row of records (a header and the tables of a batch as Arrow IPC streams), and is written
over from its beginning when its turn comes, for a file that does not grow is synced faster. A record that was
being written when the power went has a wrong checksum, and what an earlier turn left behind has a lower
number: there the row ends.
"""

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

_HEADER: Final = struct.Struct("<8sQQQ")
"""Magic, number of the batch, bytes that follow, XXH3 of all of these."""
_MAGIC: Final = b"labanJ\x00\x01"
_FILES: Final = 5
_OPTIONS: Final = pa.ipc.IpcWriteOptions()
"""Made once: without, each stream looks through the environment for them."""
_TABLES: Final = ("spans", "resources", "scopes", "events", "links", "correlations")


class Journaled(NamedTuple):
    """A batch that was acknowledged.

    Attributes:
        sequence: its commit sequence; each one is one more than that before.
        batch: what the senders sent.
    """

    sequence: int
    batch: SpanBatch


class Journal:
    """The files beside a database; one process has them open, the one that has the database open.

    Nothing here is safe for threads. The files are made when they are needed.

    Args:
        database: the path of the database.
    """

    def __init__(self, database: Path) -> None:
        self._active, *others = (_File(path) for path in journal_of(database))
        # The one that was used last is used next: mostly two are all.
        self._free = others[::-1]
        self._sealed: deque[_File] = deque()

    def left(self) -> list[Journaled]:
        """What an earlier process has acknowledged and may not have loaded, oldest first.

        Raises:
            OSError: a file cannot be read.
        """
        found = (one for file in (self._active, *self._free) for one in file.read())
        return sorted(found, key=lambda one: one.sequence)

    def clear(self) -> None:
        """What was left is in the database.

        Raises:
            OSError: a file cannot be removed.
        """
        for file in (self._active, *self._free):
            file.forget()

    def append(self, journaled: Journaled) -> None:
        """Add a batch; it is on disk when this returns.

        Raises:
            OSError: the disk refused; the batch is not in the journal.
        """
        self._active.append(journaled)

    @property
    def can_turn(self) -> bool:
        """Whether there is a file to go on with."""
        return bool(self._free)

    def turn(self) -> None:
        """Seal what was appended, to be loaded; what is appended from now on goes to another file."""
        self._sealed.append(self._active)
        self._active = self._free.pop()

    def sealed(self) -> Iterator[Journaled]:
        """What was sealed first, in its order, up to the first batch that is damaged.

        Raises:
            OSError: the file cannot be read.
        """
        return self._sealed[0].appended()

    def drop(self) -> None:
        """What was sealed first is in the database.

        Raises:
            OSError: the disk refused; it is dropped none the less.
        """
        file = self._sealed.popleft()
        self._free.append(file)
        file.forget()

    def close(self) -> None:
        """Let go of the files; they go if all that they held is in the database."""
        for file in (self._active, *self._free, *self._sealed):
            file.close()


def journal_of(database: Path) -> tuple[Path, ...]:
    """Where the journal of a database may be."""
    return tuple(database.with_name(f"{database.name}.journal-{number}") for number in range(_FILES))


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._end = 0
        """Where the next record goes."""

    def read(self) -> Iterator[Journaled]:
        """The records that are whole, in their order."""
        try:
            content = memoryview(self._path.read_bytes())
        except FileNotFoundError:
            return
        previous = 0
        while (found := _record(content)) is not None and (not previous or found[0] == previous + 1):
            previous, payload = found
            self._end += _HEADER.size + len(payload)
            content = content[_HEADER.size + len(payload) :]
            yield Journaled(previous, _from_bytes(payload))

    def appended(self) -> Iterator[Journaled]:
        """The records that this process appended."""
        # Not mapped into memory, where an error of the disk would end the process.
        offset = 0
        while offset < self._end:
            header = os.pread(self._opened(), _HEADER.size, offset)
            if len(header) < _HEADER.size or not header.startswith(_MAGIC):
                return
            _, _, length, _ = _HEADER.unpack(header)
            found = _record(memoryview(os.pread(self._opened(), _HEADER.size + length, offset)))
            if found is None:
                return
            yield Journaled(found[0], _from_bytes(found[1]))
            offset += _HEADER.size + length

    def append(self, journaled: Journaled) -> None:
        payload = _to_bytes(journaled.batch)
        header = _HEADER.pack(_MAGIC, journaled.sequence, len(payload), _checksum(journaled.sequence, payload))
        descriptor = self._opened()
        _write(descriptor, [header, payload], self._end)
        os.fdatasync(descriptor)
        self._end += len(header) + len(payload)

    def forget(self) -> None:
        """Begin anew. Not synced: what is read again because of that is stored already, and so not again."""
        self._end = 0
        if self._descriptor is not None:
            os.pwrite(self._descriptor, bytes(_HEADER.size), 0)
        else:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if not self._end:
            self._path.unlink(missing_ok=True)

    def _opened(self) -> int:
        """The file to write to, its name as durable as what will be in it."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            directory = os.open(self._path.absolute().parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        return self._descriptor


def _record(content: memoryview) -> tuple[int, memoryview] | None:
    """The number and the payload of the record that content begins with; None if there is none."""
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
