"""The bounds of histograms, for buckets of latencies."""

import math
from bisect import bisect_left
from typing import Final

from laban_collector.store.edge_totals import BOUNDS

_BUCKETS: Final = 1 + math.floor(math.log(BOUNDS[-1] * 1e9 * 1.04) * 32)
"""Buckets of latencies (see query.py) up to the last bound."""


def bound_of(bucket: int) -> int:
    """Return the first bound that the middle of a bucket of latencies does not exceed: exact to 1.6 %."""
    middle = math.exp((bucket + 0.5) / 32) / 1e9
    return bisect_left(BOUNDS, middle)


BOUND_OF: Final = [bound_of(bucket) for bucket in range(_BUCKETS)]
"""The bound of each bucket; those of longer latencies are beyond all bounds."""
