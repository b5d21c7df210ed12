"""A copy of a file's headers and metadata blocks, `FILE.metadata`: without them no row can be found.

They are about one hundredth of a file. A checkpoint writes them anew, so the copy is renewed after each one,
and is on disk before the next one begins: a checkpoint rewrites metadata blocks in place, and a power cut may
leave parts of both contents. The headers follow last, so they still tell that the copy is of the same state.
The copy fits the file until the next checkpoint; after that, most blocks of rows are still in their places,
and the others are recognized by their statistics (`CheckedTable`).
"""

import logging
import os
import struct
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

from laban_collector.errors import StoreError
from laban_collector.periodic import PeriodicThread
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability import blocks
from laban_collector.store.duckdb.durability.blocks import DATA, HEADER, Piece
from laban_collector.store.private_files import open_private

_log = logging.getLogger(__name__)

_HEADERS: Final = tuple(Piece(at, HEADER) for at in range(0, DATA, HEADER))
_INTERVAL: Final = 5.0
"""Seconds between two looks at whether there was a checkpoint."""
_ENTRY: Final = struct.Struct("<QQQ")
"""Offset, number of bytes, XXH3 of the bytes with the offset as seed."""


class Saved(NamedTuple):
    """A copied header or block."""

    piece: Piece
    content: bytes


def metadata_path(path: Path) -> Path:
    """Return the file that holds the copy."""
    return path.with_name(f"{path.name}.metadata")


def save(database: Database) -> bool:
    """Copy the headers and the metadata blocks; return False if a checkpoint came in between.

    Raises:
        StoreError: DuckDB refused.
        OSError: the copy cannot be written.
    """
    with database.descriptor() as descriptor, database.reading() as cursor:
        before = os.pread(descriptor, DATA, 0)
        size = blocks.block_size(descriptor)
        numbers = {number for (number,) in cursor.execute(sql("durability/metadata_blocks")).fetchall()}
        pieces = [Piece(DATA + number * size, size) for number in sorted(numbers)]
        saved = [Saved(piece, os.pread(descriptor, piece.size, piece.offset)) for piece in pieces]
        if os.pread(descriptor, DATA, 0) != before or not all(map(_is_intact, saved)):
            return False
    headers = [Saved(piece, before[piece.offset : sum(piece)]) for piece in _HEADERS]
    target = metadata_path(database.path)
    new = target.with_name(f"{target.name}.new")
    with os.fdopen(open_private(new, os.O_TRUNC), "wb") as file:
        for piece, content in (*headers, *saved):
            file.write(_ENTRY.pack(*piece, xxhash.xxh3_64_intdigest(content, seed=piece.offset)))
            file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(target)
    _sync_folder(target.absolute().parent)
    return True


def saved_pieces(metadata: Path, descriptor: int, pieces: Collection[Piece]) -> dict[Piece, bytes]:
    """Return the copied content of damaged pieces of a file, if the copy is of the same state.

    It is if each intact header of the file is the copied one: then no checkpoint was completed in between.

    Args:
        metadata: the copy; it may be missing.
        descriptor: of the file.
        pieces: all damaged headers and blocks of it.
    """
    if not metadata.exists() or all(piece in pieces for piece in _HEADERS[1:]):
        return {}
    found: dict[Piece, bytes] = {}
    for piece, content in _read(metadata):  # the headers come first
        if piece in pieces:
            found[piece] = content
        elif piece in _HEADERS and os.pread(descriptor, piece.size, piece.offset) != content:
            return {}
    return found


def restore(metadata: Path, path: Path) -> int:
    """Write the copied headers and blocks into a file; return how many there were."""
    count = 0
    with path.open("r+b") as file:
        for piece, content in _read(metadata):
            file.seek(piece.offset)
            file.write(content)
            count += 1
    return count


def _read(metadata: Path) -> Iterator[Saved]:
    """Yield the intact entries, up to the first damaged one."""
    with metadata.open("rb") as file:
        while len(prefix := file.read(_ENTRY.size)) == _ENTRY.size:
            offset, size, checksum = _ENTRY.unpack(prefix)
            content = file.read(min(size, 1 << 20))
            if xxhash.xxh3_64_intdigest(content, seed=offset) != checksum:
                return
            yield Saved(Piece(offset, size), content)


def _is_intact(saved: Saved) -> bool:
    words = blocks.words_of(saved.content)
    return len(words) * 8 == saved.piece.size and blocks.is_intact(words)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class MetadataThread(PeriodicThread):
    """Renews the copy after checkpoints, and before the next one at the latest.

    The exception are two checkpoints within five seconds of which DuckDB begins the second one by itself,
    because the log has reached its largest size.

    Args:
        database: open for writing.
    """

    def __init__(self, database: Database) -> None:
        super().__init__("laban-metadata", _INTERVAL, "The metadata of the database cannot be copied")
        self._database = database
        self._headers = b""
        self._one_at_a_time = threading.Lock()
        database.before_checkpoint = self._before_checkpoint

    def work(self) -> None:
        """Copy the metadata if there was a checkpoint since the last time."""
        with self._one_at_a_time:
            with self._database.descriptor() as descriptor:
                headers = os.pread(descriptor, DATA, 0)
            if headers != self._headers and self._database.damage is None and save(self._database):
                self._headers = headers

    def _before_checkpoint(self) -> None:
        try:
            self.work()
        except (StoreError, OSError) as error:  # the checkpoint matters more
            _log.warning("%s has no copy of its metadata during a checkpoint: %s", self._database.path, error)
