from laban_dashboard.presentation.latency_charts import (
    calls_chart,
    default_selection,
    percentiles_chart,
    summarize,
)
from tests.dashboard.presentation.chart_rows import rows_of
from tests.dashboard.shop_answers import ShopAnswers

HISTORY = ShopAnswers().latency("edge")


def test_summaries_are_sorted_by_latency_and_have_calls_and_errors() -> None:
    found = summarize(HISTORY)
    assert [one.name for one in found] == ["order → inventory", "inventory → pricing", "order → user"]
    assert (found[0].calls, found[0].errors) == (900, 2)
    assert found[0].max_p99_ms == max(p.p99_ms for p in HISTORY.points if p.name == found[0].name)


def test_the_default_selection_is_a_name_or_an_edge_of_the_service() -> None:
    found = summarize(HISTORY)
    assert default_selection(found, "order → user") == "order → user"
    assert default_selection(found, "pricing") == "inventory → pricing"
    assert default_selection(found, "nobody") == "order → inventory"
    assert default_selection([], "order") is None


def test_the_latency_chart_has_three_lines_and_the_calls_are_split_by_outcome() -> None:
    points = [point for point in HISTORY.points if point.name == "order → inventory"]
    lines = percentiles_chart(points, logarithmic=True)
    assert {row["percentile"] for row in rows_of(lines)} == {"p50", "p95", "p99"}
    assert lines.to_dict()["encoding"]["y"]["scale"]["type"] == "log"
    timeline_data = calls_chart(points, HISTORY.bucket_s)
    assert sum(row["calls"] for row in rows_of(timeline_data) if row["outcome"] == "failed") == 2
