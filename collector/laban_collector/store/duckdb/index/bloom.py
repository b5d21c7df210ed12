"""Bloom filters as bytes: whether a number may be among those that a filter was made of."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]

_BITS_A_NUMBER: Final = 16
"""At least; up to twice as many, for sizes are powers of two; 1 in 2,000 others at most seems to be there."""
_PROBES: Final = 9
_SMALLEST: Final = 64
_MULTIPLIERS: Final = [np.uint64(odd) for odd in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)]
"""Those of splitmix64's finaliser: numbers need not be random."""


def filter_of(numbers: Numbers) -> bytes:
    """A filter that holds these; its length is a power of two."""
    wanted = max(len(numbers) * _BITS_A_NUMBER // 8, _SMALLEST)
    size = 1 << (wanted - 1).bit_length()
    filled = np.zeros(size * 8, np.bool_)
    filled[_bits(numbers, size)] = True
    return np.packbits(filled, bitorder="little").tobytes()


def may_hold(filters: NDArray[np.uint8], numbers: Numbers) -> NDArray[np.bool_]:
    """Which of the numbers (second axis) each filter (first axis) may hold.

    Args:
        filters: a filter a row, all of the same length.
        numbers: what to look for.
    """
    bits = _bits(numbers, filters.shape[1])
    found = filters[:, bits >> 3] >> (bits & 7).astype(np.uint8) & 1
    # The stubs do not know what a reduction along an axis returns.
    return np.asarray(np.all(found, axis=1), np.bool_)


def _bits(numbers: Numbers, size: int) -> NDArray[np.int64]:
    """Of each number (second axis) the bits that stand for it (first axis)."""
    begin = _mixed(numbers)
    step = _mixed(begin) | np.uint64(1)
    steps = np.arange(_PROBES, dtype=np.uint64)[:, None]
    return (begin + steps * step & np.uint64(size * 8 - 1)).astype(np.int64)


def _mixed(numbers: Numbers) -> Numbers:
    for shift, odd in zip((30, 27), _MULTIPLIERS, strict=True):
        numbers = (numbers ^ numbers >> np.uint64(shift)) * odd
    return numbers ^ numbers >> np.uint64(31)
