from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laban_collector.store.duckdb.edges.query import quantiles_of

COUNTED = st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, 9)), min_size=1, max_size=20)


@given(COUNTED)
def test_quantiles_equal_those_of_each_latency_repeated_by_its_count(counted: list[tuple[int, int]]) -> None:
    latencies = [float(latency) for latency in accumulate(step for step, _ in counted)]
    counts = [count for _, count in counted]
    expected = np.quantile(np.repeat(latencies, counts), [0.5, 0.95, 0.99])
    assert quantiles_of(latencies, counts) == pytest.approx(expected.tolist())


def test_there_are_no_quantiles_without_latencies() -> None:
    assert quantiles_of(None, None) is None
