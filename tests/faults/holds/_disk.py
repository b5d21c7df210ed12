"""A disk, replayed from a log of `_write_log.c`: which bytes are safe, and what a power cut may leave."""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct("<cQQQ")
_SECTOR: Final = 512
_BLOCK: Final = 256 << 10
"""Bytes of a block of DuckDB. It rewrites blocks of metadata in place."""

_DUCKDB_HEADER: Final = 4096
_DATABASE_HEADER: Final = struct.Struct("<QQQ")
"""Checksum, number of the checkpoint, pointer to the metadata of the tables."""
_BLOCK_NUMBER: Final = (1 << 56) - 1
"""The bits of a pointer that are the number of a block."""
_WHOLE: Final = 0.8
"""The share of writes that a cut leaves as a whole, of those of which it leaves anything."""
_WHOLE_IF_TORN: Final = 0.2
_IN_ORDER: Final = 0.5
"""The share of torn blocks of which the first sectors are there; of the others, any sectors."""


class Change(NamedTuple):
    """One change: W write, T truncate, S sync, C create, R rename, L link, U unlink."""

    kind: bytes
    inode: int
    offset: int
    data: bytes


def changes(log: bytes) -> Iterator[Change]:
    """Yield the changes in their order."""
    at = 0
    while at < len(log):
        kind, inode, offset, length = _HEADER.unpack_from(log, at)
        at += _HEADER.size
        with_data = kind in b"WCRUL"
        yield Change(kind, inode, offset, log[at : at + length] if with_data else b"")
        at += length if with_data else 0


@dataclass
class _File:
    safe: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list[Change])


class Disk:
    """The files after some changes.

    A sync makes the content of its file safe, and all changes of names before it: file systems with a journal
    commit these in order. Of later writes, a power cut keeps any; of each, any sectors.
    """

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._names: dict[str, int] = {}
        self._renames: list[Change] = []
        """Changes of names that are not safe yet."""
        self._newest: dict[str, int] = {}
        """The names after all changes."""
        self._numbers: dict[int, int] = {}
        """The number of the file that has an inode now: a new file may get the inode of a deleted one."""

    def apply(self, change: Change) -> None:
        """Make one change."""
        if change.kind == b"C" and change.data.decode() not in self._newest:
            self._numbers[change.inode] = len(self._files) + 1
        if change.kind in b"CWTS":
            change = change._replace(inode=self._numbers[change.inode])
        if change.kind in b"CRUL":
            _rename(self._newest, change)
        if change.kind in b"CRUL":
            self._renames.append(change)
        if change.kind in b"CWTS":
            file = self._files.setdefault(change.inode, _File())
            if change.kind in b"WT":
                file.pending.append(change)
        if change.kind == b"S":
            file = self._files[change.inode]
            for one in file.pending:
                _write(file.safe, one)
            file.pending.clear()
            for one in self._renames:
                _rename(self._names, one)
            self._renames.clear()

    @property
    def rewriting(self) -> bool:
        """Whether DuckDB is rewriting a block that its newest header points to."""
        return any(
            len(one.data) == _BLOCK and one.offset == _root(file.safe)
            for file in self._files.values()
            for one in file.pending
        )

    def whole(self) -> dict[str, bytes]:
        """Return the content of all files by path without a power cut."""
        names = dict(self._names)
        for one in self._renames:
            _rename(names, one)
        found: dict[str, bytes] = {}
        for path, inode in names.items():
            content = bytearray(self._files[inode].safe)
            for one in self._files[inode].pending:
                _write(content, one)
            found[path] = bytes(content)
        return found

    def after_a_cut(self, chance: random.Random, *, torn: bool = False) -> dict[str, bytes]:
        """Return the content of all files by path as a power cut may leave them.

        Args:
            chance: chooses what is left.
            torn: a part is left of most of the writes that were not synced.
        """
        names = dict(self._names)
        for one in self._renames[: chance.randrange(len(self._renames) + 1)]:
            _rename(names, one)
        kept, whole = (1.0, _WHOLE_IF_TORN) if torn else (chance.choice((0.0, 0.5, 0.9, 1.0)), _WHOLE)
        return {path: _cut(self._files[inode], kept, whole, chance) for path, inode in names.items()}


def _cut(file: _File, kept: float, whole: float, chance: random.Random) -> bytes:
    content = bytearray(file.safe)
    for one in file.pending:
        if chance.random() < kept:
            for part in [one] if chance.random() < whole else _torn(one, chance):
                _write(content, part)
    return bytes(content)


def _root(content: bytes | bytearray) -> int:
    """Return the offset of the block that the newest header of a DuckDB file points to; -1 if it has none."""
    if content[8:12] != b"DUCK" or len(content) < 3 * _DUCKDB_HEADER:
        return -1
    headers: list[tuple[int, int, int]] = [
        _DATABASE_HEADER.unpack_from(content, number * _DUCKDB_HEADER) for number in (1, 2)
    ]
    _, _, pointer = max(headers, key=lambda header: header[1])
    return 3 * _DUCKDB_HEADER + (pointer & _BLOCK_NUMBER) * _BLOCK


def _torn(change: Change, chance: random.Random) -> list[Change]:
    """Return what reached the disk of a write: its first sectors or, of a block, perhaps any sectors."""
    sectors = len(change.data) // _SECTOR
    if len(change.data) < _BLOCK or chance.random() < _IN_ORDER:
        return [change._replace(data=change.data[: chance.randrange(sectors + 1) * _SECTOR])]
    return [
        change._replace(offset=change.offset + at, data=change.data[at : at + _SECTOR])
        for at in sorted(chance.sample(range(0, sectors * _SECTOR, _SECTOR), chance.randrange(sectors + 1)))
    ]


def _write(content: bytearray, change: Change) -> None:
    size = change.offset if change.kind == b"T" else max(len(content), change.offset + len(change.data))
    if len(content) < size:
        content.extend(bytes(size - len(content)))
    if change.kind == b"T":
        del content[size:]
    else:
        content[change.offset : change.offset + len(change.data)] = change.data


def _rename(names: dict[str, int], change: Change) -> None:
    old, _, new = change.data.decode().partition("\n")
    match change.kind:
        case b"C":
            names[old] = change.inode
        case b"R":
            names[new] = names.pop(old)
        case b"L":
            names[new] = names[old]
        case _:
            names.pop(old, None)


def write_files(files: dict[str, bytes], old: Path, new: Path) -> None:
    """Write the files of one folder into another folder."""
    for path, content in files.items():
        target = new / Path(path).relative_to(old)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
