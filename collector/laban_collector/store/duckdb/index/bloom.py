"""Blocked Bloom filters of 64-bit numbers, and the hashes of their keys.

All keys are hashed by XXH3, which never changes. DuckDB's own `hash()` may change between versions, and
filters are stored in the file.

Sources: xxHash specification, XXH3 64-bit for inputs of 4 to 8 bytes; Putze, Sanders, Singler, "Cache-,
Hash- and Space-Efficient Bloom Filters" (2007).
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import xxhash
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
Words = NDArray[np.uint64]

BLOCK: Final = 8
"""64-bit words in a block, which is a cache line: all bits of a key are in one block."""
_BITS_PER_WORD: Final = 3

# XXH3's default secret, bytes 8 to 24, folded for a seed of 0; and its multiplier for short inputs.
_SECRET: Final = np.uint64(0x1CAD21F72C81017C ^ 0xDB979083E96DD4DE)
_PRIME: Final = np.uint64(0x9FB21C651E98DF25)
_LENGTH: Final = np.uint64(8)
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


def hash_of_text(text: str) -> int:
    """Return the XXH3 hash of a text, encoded as UTF-8."""
    return xxhash.xxh3_64_intdigest(text.encode())


def hash_numbers(numbers: Numbers) -> Numbers:
    """Return the XXH3 hash of each number's eight bytes, little endian."""
    keyed = _rotated(numbers, 32)
    keyed ^= _SECRET
    mixed = _rotated(keyed, 49)
    mixed ^= _rotated(keyed, 24)
    mixed ^= keyed
    mixed *= _PRIME
    mixed ^= (mixed >> np.uint64(35)) + _LENGTH
    mixed *= _PRIME
    mixed ^= mixed >> np.uint64(28)
    return mixed


def words_for(count: int, bits_per_key: int) -> int:
    """Return the number of words of a filter for `count` keys: a power of two, at least one block."""
    wanted = max(-(-count * bits_per_key // 64), BLOCK)
    return 1 << (wanted - 1).bit_length()


def add(words: Words, hashes: Numbers, words_per_key: int) -> None:
    """Add keys to a filter.

    Args:
        words: of the filter, changed in place; a power of two of them.
        hashes: of the keys.
        words_per_key: number of words of the block in which a key sets three bits: 1 to 3.
    """
    for place, bits in _probes(hashes, len(words), words_per_key):
        missing = np.ones(len(place), np.bool_)
        while missing.any():  # one of two changes of a word is lost; ufunc.at is 5 times slower
            place, bits = place[missing], bits[missing]
            words[place] |= bits
            missing = (words[place] & bits) != bits


def may_hold(words: Words, hashes: Numbers, words_per_key: int) -> NDArray[np.bool_]:
    """Return which keys may be in a filter; about one in thousands of other keys seems to be in it.

    Args:
        words: of one filter, or of several filters of the same size, one filter per row.
        hashes: of the keys.
        words_per_key: as in `add`.

    Returns:
        One value per key; for several filters, one row per filter.
    """
    held = np.ones((*words.shape[:-1], len(hashes)), np.bool_)
    for place, bits in _probes(hashes, words.shape[-1], words_per_key):
        held &= (words[..., place] & bits) == bits
    return held


def _probes(
    hashes: Numbers, words: int, words_per_key: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """Yield the places of each key's words, all in one block, and the three bits in each word."""
    block = ((hashes * _SPREAD) >> np.uint64(32) & np.uint64(words // BLOCK - 1)) * np.uint64(BLOCK)
    for part in range(words_per_key):
        rest = hashes >> np.uint64(part * (3 + 6 * _BITS_PER_WORD))
        place = block + (rest & np.uint64(BLOCK - 1))
        bits = _bit(rest >> np.uint64(3)) | _bit(rest >> np.uint64(9)) | _bit(rest >> np.uint64(15))
        yield place.astype(np.int64), bits


def _bit(number: Numbers) -> Numbers:
    return np.uint64(1) << (number & np.uint64(63))


def _rotated(numbers: Numbers, bits: int) -> Numbers:
    rotated = numbers << np.uint64(bits)
    rotated |= numbers >> np.uint64(64 - bits)
    return rotated
