"""Which spans may be in the store already, told from memory: nearly every span is new, and needs no query."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Fingerprints = NDArray[np.uint64]

_ODD: Final = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)]
_IDS: Final = ("trace_hi", "trace_lo", "span_id")
_BLOCK: Final = 8
"""Words of 64 bits."""


class DedupFilter:
    """The spans that were stored lately, in a Bloom filter of two generations.

    Args:
        latest: the latest start in the store, ns: what starts no later may be in it, unknown to the filter.
        capacity: spans of a generation; 64 bits of memory each, so that about one new span in
            50,000 is taken for an old one, and looked up.
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
        self._words = np.zeros(max(1 << (capacity - 1).bit_length(), _BLOCK), np.uint64)
        self.count = 0
        self.latest = 0

    def add(self, prints: Fingerprints, latest: int) -> None:
        for place, bits in self._probes(prints):
            missing = np.ones(len(place), np.bool_)
            while missing.any():  # of two changes of one word one is lost; ufunc.at is five times slower
                place, bits = place[missing], bits[missing]
                self._words[place] |= bits
                missing = (self._words[place] & bits) != bits
        self.count += len(prints)
        self.latest = max(self.latest, latest)

    def may_hold(self, prints: Fingerprints) -> NDArray[np.bool_]:
        held = np.full(len(prints), self.count > 0)
        for place, bits in self._probes(prints) if self.count else ():
            held &= (self._words[place] & bits) == bits
        return held

    def _probes(self, prints: Fingerprints) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
        """Of each fingerprint two words of one block, which is a cache line, and three bits in each."""
        blocks = np.uint64(len(self._words) // _BLOCK - 1)
        block = ((prints * _ODD[0]) >> np.uint64(32) & blocks) * np.uint64(_BLOCK)
        for shift in (0, 21):
            part = prints >> np.uint64(shift)
            place = block + (part & np.uint64(_BLOCK - 1))
            bits = _bit(part >> np.uint64(3)) | _bit(part >> np.uint64(9)) | _bit(part >> np.uint64(15))
            yield place.astype(np.int64), bits


def _bit(number: Fingerprints) -> NDArray[np.uint64]:
    return np.uint64(1) << (number & np.uint64(63))


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
