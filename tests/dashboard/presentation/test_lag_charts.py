from datetime import timedelta

from laban_dashboard.presentation.lag_charts import by_severity, lag_caption, lag_chart, partition_rows
from tests.dashboard.presentation.chart_rows import rows_of
from tests.dashboard.shop_answers import ShopAnswers, shop_lag

GROUPS = shop_lag().groups
POINTS = ShopAnswers().lag_history().points


def test_the_most_severe_status_comes_first() -> None:
    assert [group.group for group in by_severity(GROUPS)] == ["email", "analytics", "payment"]
    assert partition_rows(GROUPS)[0]["group"] == "email"


def test_the_caption_of_a_group_has_the_lag_of_its_slowest_partition() -> None:
    email = by_severity(GROUPS)[0]
    assert lag_caption(email) == "messages behind, about 42.0 s"
    assert lag_caption(email.model_copy(update={"messages": 0})) == "no messages waiting"
    unknown = [one.model_copy(update={"seconds": None}) for one in email.topics]
    assert lag_caption(email.model_copy(update={"topics": unknown})) == "messages behind"


def test_messages_are_added_up_and_seconds_are_those_of_the_slowest_partition() -> None:
    newest = POINTS[-1].time.isoformat()
    rows = rows_of(lag_chart(POINTS, "messages", by_partition=False))
    (email,) = [row["lag"] for row in rows if row["time"] == newest and row["series"] == "email"]
    assert email == 2 * 29 * 9 + 1
    rows = rows_of(lag_chart(POINTS, "seconds", by_partition=False))
    (email,) = [row["lag"] for row in rows if row["time"] == newest and row["series"] == "email"]
    assert email == 29 * 9 / 4


def test_a_single_group_is_charted_by_partition() -> None:
    rows = rows_of(lag_chart(POINTS, "messages", by_partition=True))
    assert "email · orders/1" in {row["series"] for row in rows}


def test_of_very_many_polls_a_line_keeps_the_highest_ones() -> None:
    times = [POINTS[0].time + timedelta(seconds=5 * number) for number in range(5000)]
    polls = [
        POINTS[0].model_copy(update={"time": time, "messages": 7 if number == 2501 else 1})
        for number, time in enumerate(times)
    ]
    rows = rows_of(lag_chart(polls, "messages", by_partition=True))
    assert len(rows) < 300
    assert max(row["lag"] for row in rows) == 7


def test_an_objective_is_a_line_where_the_lag_is_in_seconds() -> None:
    objectives = {"email": 30.0}
    chart = lag_chart(POINTS, "seconds", by_partition=False, objectives=objectives)
    assert rows_of(chart, 1) == [{"limit": 30.0, "label": "objective of email: 30.0 s"}]
    messages = lag_chart(POINTS, "messages", by_partition=False, objectives=objectives)
    assert rows_of(messages, 1) == []


def test_missing_readings_are_left_out() -> None:
    gap = POINTS[0].model_copy(update={"seconds": None})
    assert rows_of(lag_chart([gap], "seconds", by_partition=True)) == []
