# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import numpy as np
import pyarrow as pa

from laban_collector.store.duckdb.write.dedup_filter import DedupFilter


def spans(numbers: range, start: int = 1, kind: int = 1) -> pa.Table:
    """Return one span per number with sequential ids; each starts 1 ns after the previous one."""
    ids = pa.array(np.arange(numbers.start, numbers.stop, dtype=np.uint64))
    starts = pa.array(np.arange(len(numbers), dtype=np.int64) + start).view(pa.timestamp("ns"))
    kinds = pa.array([kind] * len(numbers), pa.uint8())
    trace = pa.array([7] * len(numbers), pa.uint64())
    return pa.table({"trace_hi": trace, "trace_lo": trace, "span_id": ids, "kind": kinds, "start": starts})


def test_new_spans_are_rarely_suspects() -> None:
    seen = DedupFilter(latest=0)
    seen.add(spans(range(100_000)))
    assert len(seen.suspects(spans(range(100_000, 200_000)))) <= 2


def test_stored_spans_are_always_suspects() -> None:
    seen = DedupFilter(latest=0)
    for first in range(0, 50_000, 10_000):
        seen.add(spans(range(first, first + 10_000)))
    assert seen.suspects(spans(range(50_000))).tolist() == list(range(50_000))


def test_the_other_half_of_a_shared_span_is_not_a_suspect() -> None:
    seen = DedupFilter(latest=0)
    seen.add(spans(range(1), kind=3))
    assert seen.suspects(spans(range(1), kind=2)).tolist() == []


def test_a_span_repeated_in_a_batch_is_a_suspect() -> None:
    batch = pa.concat_tables([spans(range(5)), spans(range(3, 4))])
    assert DedupFilter(latest=0).suspects(batch).tolist() == [3, 5]


def test_spans_that_start_before_the_latest_stored_start_are_suspects() -> None:
    seen = DedupFilter(latest=1_000)
    assert seen.suspects(spans(range(4), start=999)).tolist() == [0, 1]


def test_spans_beyond_the_capacity_are_suspects_by_their_start() -> None:
    seen = DedupFilter(latest=0, capacity=1_000)
    for number in range(10):
        seen.add(spans(range(number * 1_000, (number + 1) * 1_000), start=1 + number * 1_000))
    first = spans(range(1_000), start=1)
    assert len(seen.suspects(first)) == 1_000
    assert len(seen.suspects(spans(range(10_000, 11_000), start=10_001))) <= 2


HOUR = 3600 * 10**9


def test_a_span_ahead_of_the_clock_makes_no_others_suspects() -> None:
    seen = DedupFilter(latest=0, capacity=10, clock=lambda: 1_000)
    seen.add(spans(range(1), start=2 * HOUR))
    for first in range(10, 60, 10):
        seen.add(spans(range(first, first + 10), start=first))
    assert seen.suspects(spans(range(1), start=2 * HOUR)).tolist() == [0]
    assert seen.suspects(spans(range(10, 60), start=10)).tolist() == list(range(50))
    assert seen.suspects(spans(range(60, 160), start=60)).tolist() == []


def test_stored_spans_ahead_of_the_clock_are_suspects() -> None:
    seen = DedupFilter(latest=100, ahead=2 * HOUR)
    assert seen.suspects(spans(range(2), start=2 * HOUR - 1)).tolist() == [1]
    assert seen.suspects(spans(range(2), start=100)).tolist() == [0]
