from datetime import timedelta

from laban_dashboard.presentation.latency_charts import (
    basis,
    calls_chart,
    default_selection,
    percentiles_chart,
    summarize,
    table_rows,
)
from tests.dashboard.presentation.chart_rows import rows_of
from tests.dashboard.shop_answers import ShopAnswers

HISTORY = ShopAnswers().latency("edge")


def test_summaries_are_sorted_by_latency_and_have_calls_and_errors() -> None:
    found = summarize(HISTORY)
    assert [one.name for one in found] == ["order → inventory", "inventory → pricing", "order → user"]
    assert (found[0].total.calls, found[0].total.errors) == (900, 2)
    assert found[0].trend_p95_ms == [round(p.p95_ms, 2) for p in HISTORY.points if p.name == found[0].name]


def test_the_percentiles_of_the_window_are_those_of_the_answer_and_not_the_worst_of_its_times() -> None:
    (row, *_) = table_rows(summarize(HISTORY))
    (total,) = [total for total in HISTORY.totals if total.name == "order → inventory"]
    assert (row["p50"], row["p95"], row["p99"]) == (total.p50_ms, total.p95_ms, total.p99_ms)
    assert "objective" not in row
    assert "right to within that" in basis(HISTORY)
    assert "3.2 % wide" in basis(HISTORY)
    assert "12 edges with fewer calls left out" in basis(HISTORY.model_copy(update={"left_out": 12}))


def test_an_objective_is_a_line_in_the_chart_and_met_or_missed_in_the_table() -> None:
    history = ShopAnswers().latency("route")
    rows = {row["name"]: row["objective"] for row in table_rows(summarize(history))}
    assert rows == {
        "order  POST /orders": "missed (150 ms)",
        "order  GET /orders/{order_id}": "",
        "payment  process orders": "",
    }
    chart = percentiles_chart(history.points, 150.0, logarithmic=False)
    assert rows_of(chart, 1) == [{"limit": 150.0, "label": "objective: p95 ≤ 150 ms"}]


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
    assert lines["layer"][0]["encoding"]["y"]["scale"]["type"] == "log"
    assert rows_of(lines, 1) == []
    now = points[-1].time + timedelta(seconds=1)
    bars = rows_of(calls_chart(points, HISTORY.bucket_s, (points[0].time, now)))
    assert bars[-1]["end"] == now.isoformat()  # its time is not over
    timeline_data = calls_chart(points, HISTORY.bucket_s)
    assert all(row["above"] - row["below"] == row["calls"] > 0 for row in rows_of(timeline_data))
    assert sum(row["calls"] for row in rows_of(timeline_data) if row["outcome"] == "failed") == 2
