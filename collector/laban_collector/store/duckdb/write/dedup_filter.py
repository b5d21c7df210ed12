"""Finds, in memory, the spans that may be stored already; almost all spans are new and need no query."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from laban_collector.store.duckdb.index import bloom

_IDS: Final = ("span_id", "trace_lo", "trace_hi")
# Ids may be sequential: these factors spread them before they are combined into one number.
_ODD: Final = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)]
_BITS_PER_SPAN: Final = 64
"""Bits of memory; with two words per key, one new span in 50,000 seems to be stored, and is looked up."""
_WORDS_PER_KEY: Final = 2


class DedupFilter:
    """The spans that were stored recently, in two generations of a Bloom filter.

    Args:
        latest: the latest start in the store, ns. A span that starts no later may be stored without being in
            the filter.
        capacity: maximum number of spans in a generation.
    """

    def __init__(self, latest: int, capacity: int = 1 << 22) -> None:
        self._horizon = latest
        self._capacity = capacity
        self._young = _Generation(capacity)
        self._old = _Generation(1)

    def suspects(self, spans: pa.Table) -> NDArray[np.int64]:
        """Return the rows of spans that may be stored, or repeated in the batch; all other spans are new."""
        hashes = _hashes(spans)
        suspect = _starts(spans) <= self._horizon
        suspect |= self._young.may_hold(hashes) | self._old.may_hold(hashes)
        ordered = np.sort(hashes)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(twice):
            suspect |= np.isin(hashes, twice)
        return np.flatnonzero(suspect)

    def add(self, spans: pa.Table) -> None:
        """Remember stored spans."""
        if self._young.count >= self._capacity:
            # A sender whose clock is ahead moves the horizon; then every span is looked up, as without a
            # filter.
            self._horizon = max(self._horizon, self._old.latest)
            self._old, self._young = self._young, _Generation(self._capacity)
        self._young.add(_hashes(spans), int(_starts(spans).max()))


class _Generation:
    """A Bloom filter, and the latest start in it."""

    def __init__(self, capacity: int) -> None:
        # Untouched memory is not allocated.
        self._words = np.zeros(bloom.words_for(capacity, _BITS_PER_SPAN), np.uint64)
        self.count = 0
        self.latest = 0

    def add(self, hashes: bloom.Numbers, latest: int) -> None:
        bloom.add(self._words, hashes, _WORDS_PER_KEY)
        self.count += len(hashes)
        self.latest = max(self.latest, latest)

    def may_hold(self, hashes: bloom.Numbers) -> NDArray[np.bool_]:
        if not self.count:
            return np.zeros(len(hashes), np.bool_)
        return bloom.may_hold(self._words, hashes, _WORDS_PER_KEY)


def _hashes(spans: pa.Table) -> bloom.Numbers:
    """Return a hash of each span's identity: trace id, span id and kind."""
    identities = _column(spans, "kind").astype(np.uint64)
    for name, odd in zip(_IDS, _ODD, strict=True):
        identities ^= _column(spans, name) * odd
    return bloom.hash_numbers(identities)


def _starts(spans: pa.Table) -> NDArray[np.int64]:
    return _column(spans, "start").view(np.int64)


def _column(spans: pa.Table, name: str) -> NDArray[Any]:
    column: NDArray[Any] = spans[name].to_numpy()
    return column
