"""The entries of a DuckDB write-ahead log: how much of a damaged log is intact.

A log begins with a version entry, which has no checksum. Each other entry is its length, its checksum and its
content. A short entry marks the end of each commit.

Source: DuckDB, src/storage/write_ahead_log.cpp and src/storage/wal_replay.cpp, log version 2 on.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

_PREFIX: Final = struct.Struct("<QQ")
_COMMIT: Final = bytes.fromhex("640064ffff")
_HEADER_END: Final = b"\xff\xff"
_LONGEST_HEADER: Final = 200
_WORD: Final = (1 << 64) - 1
_SEED: Final = 5381
_FACTOR: Final = np.uint64(0xBF58476D1CE4E5B9)
# The remaining bytes are hashed by a variant of MurmurHash64A.
_TAIL_FACTOR: Final = 0xC6A4A7935BD1E995
_TAIL_SEED: Final = 0xE17A1465
_TAIL_SHIFT: Final = 47


class _Entry(NamedTuple):
    """The end of an entry, and whether it ends a commit."""

    end: int
    commits: bool


def intact_length(content: bytes) -> int:
    """Return the length of the intact commits at the beginning of a log; 0 if there is none."""
    header = _header_length(content)
    end = 0
    for entry in _entries(content, header):
        if entry.commits:
            end = entry.end
    return end


def is_torn(rest: bytes) -> bool:
    """Return whether what follows the intact commits of a log is one commit that was written in part.

    An entry of it is wrong, and nothing but zeros follows that entry: it was being written when the power
    failed.
    """
    offset = 0
    for entry in _entries(rest, 0):
        if entry.commits:
            return False
        offset = entry.end
    if offset + _PREFIX.size > len(rest):
        return True
    length, _ = _PREFIX.unpack_from(rest, offset)
    return not any(rest[offset + _PREFIX.size + length :])


def checksum(content: bytes) -> int:
    """Return DuckDB's checksum of some bytes."""
    whole = len(content) // 8 * 8
    words = np.frombuffer(content[:whole], "<u8")
    result = _SEED ^ int(np.bitwise_xor.reduce(words * _FACTOR)) if whole else _SEED
    return result ^ _tail(content[whole:]) if whole < len(content) else result


def _header_length(content: bytes) -> int:
    """Return where the version entry ends: where the first entry with a right checksum begins."""
    place = content.find(_HEADER_END, 0, _LONGEST_HEADER)
    while place >= 0:
        if next(_entries(content, place + len(_HEADER_END)), None) is not None:
            return place + len(_HEADER_END)
        place = content.find(_HEADER_END, place + 1, _LONGEST_HEADER)
    return len(content)


def _entries(content: bytes, offset: int) -> Iterator[_Entry]:
    while offset + _PREFIX.size <= len(content):
        length, stored = _PREFIX.unpack_from(content, offset)
        begin, end = offset + _PREFIX.size, offset + _PREFIX.size + length
        if end > len(content) or checksum(content[begin:end]) != stored:
            return
        yield _Entry(end, content[begin:end] == _COMMIT)
        offset = end


def _tail(rest: bytes) -> int:
    """Return the hash of one to seven bytes."""
    mixed = _TAIL_SEED ^ (len(rest) * _TAIL_FACTOR & _WORD)
    mixed = (mixed ^ int.from_bytes(rest, "little")) * _TAIL_FACTOR & _WORD
    mixed ^= mixed >> _TAIL_SHIFT
    mixed = mixed * _TAIL_FACTOR & _WORD
    return mixed ^ mixed >> _TAIL_SHIFT
