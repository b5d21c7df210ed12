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
"""Bytes of a block of DuckDB, which a cut leaves whole or not at all. DuckDB rewrites blocks of metadata in
place: one that is written in part has a wrong checksum, and the file is damaged."""


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

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Return the content of all files by path as a power cut may leave them."""
        names = dict(self._names)
        for one in self._renames[: chance.randrange(len(self._renames) + 1)]:
            _rename(names, one)
        return {path: self._cut(self._files[inode], chance) for path, inode in names.items()}

    def _cut(self, file: _File, chance: random.Random) -> bytes:
        content, kept = bytearray(file.safe), chance.choice((0.0, 0.5, 0.9, 1.0))
        for one in file.pending:
            if chance.random() < kept:
                whole = len(one.data) >= _BLOCK or chance.random() < 0.8
                _write(content, one if whole else _torn(one, chance))
        return bytes(content)


def _torn(change: Change, chance: random.Random) -> Change:
    """Return a write of which only the first sectors reached the disk."""
    sectors = len(change.data) // _SECTOR
    return change._replace(data=change.data[: chance.randrange(sectors + 1) * _SECTOR])


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
