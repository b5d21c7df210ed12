"""The blocks of a DuckDB file: reading them, checking their checksums, and correcting single wrong bytes.

A file begins with three headers of 4 KiB: the main header, and two database headers that checkpoints write in
turn. Blocks of equal size follow. Headers and blocks begin with the checksum of the rest. The checksum is the
XOR of one product per 64-bit word, and the factor is odd, so for each word there is exactly one value with
which the checksum would be right. If such a value differs from the stored word in a single byte, that byte
was wrong: by chance, this happens to one block in 10^11.

Source: DuckDB, src/common/checksum.cpp and src/storage/single_file_block_manager.cpp, storage version 64 on.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

HEADER: Final = 4096
"""Bytes of a header."""
DATA: Final = 3 * HEADER
"""Offset of the first block."""
_MAGIC: Final = (8, b"DUCK")
_DEFAULT_BLOCK: Final = 262_144
_SIZES: Final = frozenset(1 << bits for bits in range(14, 19))
"""Block sizes that DuckDB allows."""
_ITERATION_WORD: Final = 1
_COUNT_WORD: Final = 4
_SIZE_WORD: Final = 5
"""The words of a database header that hold its number, the number of blocks and their size."""
_SLICE: Final = 4 << 20
"""Bytes that are read at once."""

_SEED: Final = np.uint64(5381)
_FACTOR: Final = np.uint64(0xBF58476D1CE4E5B9)
_INVERSE: Final = np.uint64(pow(int(_FACTOR), -1, 1 << 64))
_BYTES: Final = tuple(np.uint64(0xFF << shift) for shift in range(0, 64, 8))


class Piece(NamedTuple):
    """A header or a block.

    Attributes:
        offset: its place in the file.
        size: its number of bytes.
    """

    offset: int
    size: int


def block_size(descriptor: int) -> int:
    """Return the size of the blocks of an open file, from a database header that is intact."""
    for number in (1, 2):
        header = words_of(os.pread(descriptor, HEADER, number * HEADER))
        if len(header) * 8 == HEADER and is_intact(header) and int(header[_SIZE_WORD]) in _SIZES:
            return int(header[_SIZE_WORD])
    return _DEFAULT_BLOCK


def is_duckdb(path: Path) -> bool:
    """Return whether a file begins like a DuckDB file."""
    offset, magic = _MAGIC
    with path.open("rb") as file:
        return file.read(offset + len(magic))[offset:] == magic


def words_of(content: bytes) -> Words:
    """Return the whole 64-bit words of some bytes."""
    return np.frombuffer(content[: len(content) // 8 * 8], "<u8").astype(np.uint64, copy=False)


def is_intact(words: Words) -> bool:
    """Return whether the checksum of a header or block is right."""
    return len(words) > 0 and bool(words[0] == _checksums(words[np.newaxis])[0])


def damaged(descriptor: int, begin: int, end: int, size: int) -> list[Piece]:
    """Return the blocks from `begin` to before `end` whose checksum is wrong, or which are cut off."""
    found: list[Piece] = []
    at_once = max(_SLICE // size, 1)
    for first in range(begin, end, at_once):
        count = min(at_once, end - first)
        content = os.pread(descriptor, count * size, DATA + first * size)
        whole = len(content) // size
        rows = words_of(content[: whole * size]).reshape(whole, size // 8)
        wrong = np.flatnonzero(rows[:, 0] != _checksums(rows))
        found += [Piece(DATA + (first + int(row)) * size, size) for row in wrong]
        if len(content) % size:
            found.append(Piece(DATA + (first + whole) * size, size))
    return found


def damaged_headers(descriptor: int) -> list[Piece]:
    """Return the headers whose checksum is wrong."""
    pieces = [Piece(number * HEADER, HEADER) for number in range(3)]
    return [piece for piece in pieces if not _is_whole(os.pread(descriptor, HEADER, piece.offset))]


def number_of_blocks(descriptor: int, size: int) -> int:
    """Return the number of blocks that a file has room for; the last may be cut off."""
    return max(-(-(os.fstat(descriptor).st_size - DATA) // size), 0)


def size_by_header(descriptor: int) -> int:
    """Return the size that a file should have, by its newest database header."""
    headers = [words_of(os.pread(descriptor, HEADER, number * HEADER)) for number in (1, 2)]
    newest = max(
        (words for words in headers if is_intact(words)),
        key=lambda words: int(words[_ITERATION_WORD]),
        default=None,
    )
    if newest is None:
        return 0
    return DATA + int(newest[_COUNT_WORD]) * int(newest[_SIZE_WORD])


def all_damaged(descriptor: int) -> list[Piece]:
    """Return all headers and blocks of a file whose checksum is wrong."""
    size = block_size(descriptor)
    return damaged_headers(descriptor) + damaged(descriptor, 0, number_of_blocks(descriptor, size), size)


def corrections(descriptor: int, pieces: Sequence[Piece]) -> Iterator[tuple[Piece, bytes]]:
    """Yield the corrected content of the pieces that have one wrong byte."""
    for piece in pieces:
        words = words_of(os.pread(descriptor, piece.size, piece.offset))
        right = corrected(words) if len(words) * 8 == piece.size else None
        if right is not None:
            yield piece, right.tobytes()


def corrected(words: Words) -> Words | None:
    """Return a header or block with its only wrong byte corrected; None if more than one byte is wrong."""
    difference = words[0] ^ _checksums(words[np.newaxis])[0]
    wanted = ((words * _FACTOR) ^ difference) * _INVERSE
    changes = wanted ^ words
    changes[0] = difference
    candidates = np.flatnonzero(_is_one_byte(changes))
    if len(candidates) != 1 or not difference:
        return None
    right = words.copy()
    right[candidates[0]] ^= changes[candidates[0]]
    return right


def _is_one_byte(changes: Words) -> NDArray[np.bool_]:
    single = np.zeros(len(changes), np.bool_)
    for mask in _BYTES:
        single |= (changes & ~mask) == 0
    found: NDArray[np.bool_] = single & (changes != 0)
    return found


def _is_whole(content: bytes) -> bool:
    return len(content) == HEADER and is_intact(words_of(content))


def _checksums(rows: Words) -> Words:
    """Return the checksum of each row, without its first word, which stores it."""
    sums: Words = np.bitwise_xor.reduce(rows[:, 1:] * _FACTOR, axis=1) ^ _SEED
    return sums


def with_checksum(words: Words) -> Words:
    """Return a header or block with the checksum of its content."""
    right = words.copy()
    right[0] = _checksums(words[np.newaxis])[0]
    return right
