"""Which spans may be in the store already, told from memory: nearly every span is new, and needs no query."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Fingerprints = NDArray[np.uint64]

_ODD: Final = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)]
_IDS: Final = ("trace_hi", "trace_lo", "span_id")
_PROBES: Final = 6
_BLOCK: Final = 64
"""Bytes."""
_BITS: Final = np.array([1 << bit for bit in range(8)], np.uint8)


class SeenSpans:
    """The spans that were stored lately, in a Bloom filter of two generations.

    Args:
        latest: the latest start in the store, ns: what starts no later may be in it, unknown to the filter.
        capacity: spans of a generation; 64 bits of memory each, so that about one new span in a million is
            taken for an old one.
    """

    def __init__(self, latest: int, capacity: int = 1 << 22) -> None:
        self._horizon = latest
        self._capacity = capacity
        self._young = _Generation(capacity)
        self._old = _Generation(1)

    def suspects(self, spans: pa.Table) -> NDArray[np.int64]:
        """The rows of a batch that may be in the store, or twice in the batch; the others surely are not."""
        prints = _fingerprints(spans)
        suspect = _starts(spans) <= self._horizon
        suspect |= self._young.may_hold(prints) | self._old.may_hold(prints)
        ordered = np.sort(prints)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(twice):
            suspect |= np.isin(prints, twice)
        return np.flatnonzero(suspect)

    def add(self, spans: pa.Table) -> None:
        """Remember spans that were stored."""
        if self._young.count >= self._capacity:
            # A sender whose clock runs ahead moves the horizon there; then all are looked up, as without us.
            self._horizon = max(self._horizon, self._old.latest)
            self._old, self._young = self._young, _Generation(self._capacity)
        self._young.add(_fingerprints(spans), int(_starts(spans).max()))


class _Generation:
    """A Bloom filter, and the latest start in it."""

    def __init__(self, capacity: int) -> None:
        # A power of two: no division. Memory that is not touched is not used.
        self._bytes = np.zeros(max(1 << (capacity * 8 - 1).bit_length(), _BLOCK), np.uint8)
        self.count = 0
        self.latest = 0

    def add(self, prints: Fingerprints, latest: int) -> None:
        for place, bit in self._probes(prints):
            missing = np.ones(len(place), np.bool_)
            while (
                missing.any()
            ):  # of two bits in one byte one is lost at a time; ufunc.at is five times slower
                place, bit = place[missing], bit[missing]
                self._bytes[place] |= bit
                missing = (self._bytes[place] & bit) == 0
        self.count += len(prints)
        self.latest = max(self.latest, latest)

    def may_hold(self, prints: Fingerprints) -> NDArray[np.bool_]:
        held = np.full(len(prints), self.count > 0)
        for place, bit in self._probes(prints) if self.count else ():
            held &= (self._bytes[place] & bit) != 0
        return held

    def _probes(self, prints: Fingerprints) -> list[tuple[NDArray[np.uint64], NDArray[np.uint8]]]:
        """Of each fingerprint some bits, byte and bit in it, all in one block, which is a cache line."""
        blocks = np.uint64(len(self._bytes) // _BLOCK - 1)
        block = ((prints * _ODD[0]) >> np.uint64(32) & blocks) * np.uint64(_BLOCK)
        bits = [prints >> np.uint64(9 * probe) for probe in range(_PROBES)]
        return [
            (block + (bit >> np.uint64(3) & np.uint64(_BLOCK - 1)), _BITS[bit & np.uint64(7)]) for bit in bits
        ]


def _fingerprints(spans: pa.Table) -> Fingerprints:
    """64 bits of a span's identity, well mixed, for ids need not be random."""
    mixed = _column(spans, "kind").astype(np.uint64)
    for name, odd in zip(_IDS, _ODD, strict=True):
        mixed = (mixed ^ _column(spans, name)) * odd
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _starts(spans: pa.Table) -> NDArray[np.int64]:
    return _column(spans, "start").view(np.int64)


def _column(spans: pa.Table, name: str) -> NDArray[Any]:
    column: NDArray[Any] = spans[name].to_numpy()
    return column
