from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges import query
from laban_collector.store.duckdb.edges.query import quantiles_of
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ..random_shop import CLIENT
from .test_counter import from_spans, store
from .test_name_limits import WHOLE, call, calls

COUNTED = st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, 9)), min_size=1, max_size=20)


@given(COUNTED)
def test_quantiles_equal_those_of_each_latency_repeated_by_its_count(counted: list[tuple[int, int]]) -> None:
    latencies = [float(latency) for latency in accumulate(step for step, _ in counted)]
    counts = [count for _, count in counted]
    expected = np.quantile(np.repeat(latencies, counts), [0.5, 0.95, 0.99])
    assert quantiles_of(latencies, counts) == pytest.approx(expected.tolist())


def test_there_are_no_quantiles_without_latencies() -> None:
    assert quantiles_of(None, None) is None


def test_of_very_many_nodes_the_busiest_stay_and_the_rest_are_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = [call(number, f"s{number % 7}") for number in range(31)]  # s0, s1 and s2 have one call more
    spans += [call(99, "s0", kind=CLIENT, peer_address="quiet.local")]
    store(DuckDBWriter(database), [spans])
    whole = calls(from_spans(database, *WHOLE))
    monkeypatch.setattr(query, "MOST_NAMES", 3)
    folded = calls(from_spans(database, *WHOLE))
    assert folded == {
        ("entry:clients", "service:s0"): 5,
        ("entry:clients", "service:s1"): 5,
        ("entry:clients", "service:s2"): 5,
        ("entry:clients", "other:services"): 16,
        ("service:s0", "other:hosts"): 1,
    }
    assert sum(folded.values()) == sum(whole.values())
