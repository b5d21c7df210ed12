from datetime import timedelta
from zoneinfo import ZoneInfo

from laban_dashboard.presentation.lag_charts import (
    by_severity,
    lag_caption,
    lag_chart,
    partition_rows,
    polled_at,
    standing_caption,
)
from laban_mapper.model import LagPoint
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


def test_a_group_that_stands_still_says_whether_it_has_members() -> None:
    email = by_severity(GROUPS)[0]
    told = [
        standing_caption(email.model_copy(update={"status": status, "members": members}))
        for status, members in (("STALL", 1), ("STOP", 0), ("STOP", None), ("WARN", 2))
    ]
    assert told == [
        "commits nothing, although it has 1 member",
        "commits nothing; has no members",
        "commits nothing; members unknown",
        None,
    ]
    busy = email.topics[0].model_copy(update={"status": "OK"})
    slow = email.model_copy(update={"members": 1, "status": "STALL", "topics": [*email.topics, busy]})
    of = len(slow.topics)
    assert (
        standing_caption(slow) == f"commits nothing in {of - 1} of {of} partitions, although it has 1 member"
    )


def test_a_partition_says_why_its_seconds_are_unknown() -> None:
    email = by_severity(GROUPS)[0]
    changes: list[dict[str, object]] = [
        {"committed": None, "messages": None, "seconds": None},
        {"seconds": None, "messages": 7},
        {"seconds": 0.0, "messages": 0},
        {"seconds": 4.0, "seconds_from": "message"},
    ]
    found = [email.topics[0].model_copy(update=change) for change in changes]
    rows = partition_rows([email.model_copy(update={"topics": found})])
    assert {row["seconds from"] for row in rows} == {
        "unknown: no commit yet",
        "unknown: written before the first poll",
        "nothing waits",
        "the message",
    }


def test_columns_that_say_the_same_in_every_row_are_left_out() -> None:
    email = by_severity(GROUPS)[0]
    first, *_ = email.topics
    alike = email.model_copy(update={"topics": [first, first.model_copy(update={"partition": 9})]})
    assert partition_rows([alike])[0].keys().isdisjoint({"cluster", "lost", "problem", "read at"})
    later = first.model_copy(update={"partition": 9, "time": first.time + timedelta(seconds=5), "lost": 3})
    apart = email.model_copy(update={"topics": [first, later]})
    assert {"lost", "read at"} <= partition_rows([apart])[0].keys()
    local, utc = polled_at([apart], ZoneInfo("Asia/Tokyo"))
    assert local == f"Offsets read at {later.time.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M:%S} at the latest."
    assert utc == f"{later.time:%Y-%m-%d %H:%M:%S} UTC"


def test_a_line_ends_where_nobody_polled() -> None:
    def polls(begin: int) -> list[LagPoint]:
        return [
            POINTS[0].model_copy(update={"time": POINTS[0].time + timedelta(seconds=begin + 5 * number)})
            for number in range(6)
        ]

    rows = rows_of(lag_chart([*polls(0), *polls(300)], "messages", by_partition=True))
    assert [row["lag"] is None for row in rows].index(True) == 7
    assert rows[6]["time"] == (POINTS[0].time + timedelta(seconds=30)).isoformat()
    whole = rows_of(lag_chart([*polls(0), *polls(30)], "messages", by_partition=True))
    assert all(row["lag"] is not None for row in whole)


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


def test_of_very_many_groups_the_chart_has_those_with_the_most_lag_and_says_so() -> None:
    points = [
        POINTS[0].model_copy(update={"group": f"g{number}", "messages": number}) for number in range(300)
    ]
    chart = lag_chart(points, "messages", by_partition=False)
    assert {row["series"] for row in rows_of(chart)} == {f"g{number}" for number in range(294, 300)}
    assert chart["title"]["text"] == "The 6 of 300 groups with the most lag"
    assert "title" not in lag_chart(points[:6], "messages", by_partition=False)


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


def test_a_chart_of_zeros_has_a_height_and_stands_on_its_axis() -> None:
    def scale(points: list[LagPoint], objectives: dict[str, float] | None = None) -> object:
        spec = lag_chart(points, "seconds", by_partition=False, objectives=objectives)
        return spec["layer"][0]["encoding"]["y"]["scale"]

    zeros = [point.model_copy(update={"messages": 0, "seconds": 0.0}) for point in POINTS]
    assert scale(zeros) == {"domain": [0, 1]}
    assert scale(zeros, {"email": 60.0}) == scale(POINTS) == {"zero": True}
