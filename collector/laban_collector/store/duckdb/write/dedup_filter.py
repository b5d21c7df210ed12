"""Finds, in memory, the spans that may be stored already; almost all spans are new and need no query."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from laban_collector.store.duckdb.index import bloom
from laban_collector.store.rows import plausible_starts

_IDS: Final = ("span_id", "trace_lo", "trace_hi")
IDENTITY: Final = [*_IDS, "kind", "start"]
"""The columns that the filter reads."""
# Ids may be sequential: these factors spread them before they are combined into one number.
_ODD: Final = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)]
_BITS_PER_SPAN: Final = 32
"""Bits of memory; with three words per key, one new span in 50,000 seems to be stored, and is looked up."""
_WORDS_PER_KEY: Final = 3
_NEVER: Final = 2**63 - 1


class DedupFilter:
    """The spans that were stored recently, in two generations of a Bloom filter.

    Clocks of senders may be wrong. A span that is ahead of this clock must not make all others suspects, so
    the starts that are known to be stored are two ranges: up to `latest`, and from `ahead` on.

    Args:
        latest: the latest plausible start in the store, ns. A span that starts no later may be stored without
            being in the filter.
        ahead: the earliest stored start that is too far ahead to be plausible, likewise; None for none.
        capacity: maximum number of spans in a generation.
        clock: ns since the epoch.
    """

    def __init__(
        self,
        latest: int,
        ahead: int | None = None,
        capacity: int = 1 << 21,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._horizon = latest
        self._ahead = _NEVER if ahead is None else ahead
        self._capacity = capacity
        self._clock = clock
        self._young = _Generation(capacity)
        self._old = _Generation(1)

    def suspects(self, spans: pa.Table) -> NDArray[np.int64]:
        """Return the rows of spans that may be stored, or repeated in the batch; all other spans are new."""
        hashes, starts = _hashes(spans), _starts(spans)
        suspect = (starts <= self._horizon) | (starts >= self._ahead)
        suspect |= self._young.may_hold(hashes) | self._old.may_hold(hashes)
        ordered = np.sort(hashes)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(twice):
            suspect |= np.isin(hashes, twice)
        return np.flatnonzero(suspect)

    def add(self, spans: pa.Table) -> None:
        """Remember stored spans."""
        if self._young.count >= self._capacity:
            # A sender whose clock is a little ahead moves the horizon; until its time has come, every span is
            # looked up, as without a filter.
            self._horizon = max(self._horizon, self._old.latest)
            self._ahead = min(self._ahead, self._old.ahead)
            self._old, self._young = self._young, _Generation(self._capacity)
        _, until = plausible_starts(self._clock())
        self._young.add(_hashes(spans), _starts(spans), until)


class _Generation:
    """A Bloom filter, the latest plausible start in it, and the earliest of those that are too far ahead."""

    def __init__(self, capacity: int) -> None:
        # Untouched memory is not allocated.
        self._words = np.zeros(bloom.words_for(capacity, _BITS_PER_SPAN), np.uint64)
        self.count = 0
        self.latest = 0
        self.ahead = _NEVER

    def add(self, hashes: bloom.Numbers, starts: NDArray[np.int64], until: int) -> None:
        bloom.add(self._words, hashes, _WORDS_PER_KEY)
        self.count += len(hashes)
        latest = int(starts.max())
        if latest >= until:
            ahead = starts >= until
            self.ahead = min(self.ahead, int(starts[ahead].min()))
            latest = int(starts[~ahead].max(initial=0))
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
