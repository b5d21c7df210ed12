import pytest

from laban_collector.batch.splitter import join, split

from ..batches import TABLES, rows_of
from ..requests import span
from ..store.duckdb.write.test_writer import batch, with_all


@pytest.mark.parametrize("rows", range(1, 5))
def test_joining_the_parts_of_a_split_restores_the_batch(rows: int) -> None:
    whole = batch(with_all(1), with_all(2), span(3), with_all(4), span(5))
    parts = split(whole, rows)
    assert [part.spans.num_rows for part in parts] == [rows, 5 - rows]
    assert rows_of(join(parts)) == rows_of(whole)
    for part in parts:
        assert [getattr(part, name).schema for name in TABLES] == [
            getattr(whole, name).schema for name in TABLES
        ]


def test_each_part_has_the_correlations_of_its_own_traces() -> None:
    whole = batch(with_all(1), with_all(2))
    first, second = split(whole, 1)
    assert first.correlations.num_rows
    assert second.correlations.num_rows
    for part in (first, second):
        traces = set(zip(part.spans["trace_hi"].to_pylist(), part.spans["trace_lo"].to_pylist(), strict=True))
        of_correlations = zip(
            part.correlations["trace_hi"].to_pylist(), part.correlations["trace_lo"].to_pylist(), strict=True
        )
        assert traces.issuperset(of_correlations)


def test_splitting_beyond_the_end_leaves_an_empty_rest() -> None:
    whole = batch(with_all(1))
    kept, left = split(whole, 7)
    assert kept is whole
    assert [getattr(left, name).num_rows for name in TABLES if name not in ("resources", "scopes")] == [0] * 4
