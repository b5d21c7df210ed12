from laban_dashboard.latency_view import calls_chart, matching, percentiles_chart, summaries
from tests.dashboard.charts import rows_of
from tests.dashboard.shop import ShopAnswers

HISTORY = ShopAnswers().latency("edge")


def test_names_are_listed_slowest_first_with_their_calls_and_errors() -> None:
    found = summaries(HISTORY)
    assert [one.name for one in found] == ["order → inventory", "inventory → pricing", "order → user"]
    assert (found[0].calls, found[0].errors) == (900, 2)
    assert found[0].worst_p99_ms == max(p.p99_ms for p in HISTORY.points if p.name == found[0].name)


def test_a_name_or_a_service_that_takes_part_is_found() -> None:
    found = summaries(HISTORY)
    assert matching(found, "order → user") == "order → user"
    assert matching(found, "pricing") == "inventory → pricing"
    assert matching(found, "nobody") == "order → inventory"
    assert matching([], "order") is None


def test_the_chart_has_three_lines_and_the_calls_are_split_by_outcome() -> None:
    points = [point for point in HISTORY.points if point.name == "order → inventory"]
    lines = percentiles_chart(points, logarithmic=True)
    assert {row["percentile"] for row in rows_of(lines)} == {"p50", "p95", "p99"}
    assert lines.to_dict()["encoding"]["y"]["scale"]["type"] == "log"
    bars = calls_chart(points, HISTORY.bucket_s)
    assert sum(row["calls"] for row in rows_of(bars) if row["outcome"] == "failed") == 2
