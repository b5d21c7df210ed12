from laban_dashboard.lag_view import behind, lag_chart, partition_rows, worst_first
from tests.dashboard.charts import rows_of
from tests.dashboard.shop import ShopAnswers, shop_lag

GROUPS = shop_lag().groups
POINTS = ShopAnswers().lag_history().points


def test_what_needs_attention_comes_first() -> None:
    assert [group.group for group in worst_first(GROUPS)] == ["email", "analytics", "payment"]
    assert partition_rows(GROUPS)[0]["group"] == "email"


def test_a_group_is_behind_by_its_worst_partition() -> None:
    email = worst_first(GROUPS)[0]
    assert behind(email) == "messages behind, about 42.0 s"
    assert behind(email.model_copy(update={"messages": 0})) == "nothing waits"
    unknown = [one.model_copy(update={"seconds": None}) for one in email.topics]
    assert behind(email.model_copy(update={"topics": unknown})) == "messages behind"


def test_messages_add_up_over_partitions_and_seconds_are_those_of_the_worst() -> None:
    newest = POINTS[-1].time.isoformat()
    told = rows_of(lag_chart(POINTS, "messages", by_partition=False))
    (email,) = [row["lag"] for row in told if row["time"] == newest and row["series"] == "email"]
    assert email == 2 * 29 * 9 + 1
    told = rows_of(lag_chart(POINTS, "seconds", by_partition=False))
    (email,) = [row["lag"] for row in told if row["time"] == newest and row["series"] == "email"]
    assert email == 29 * 9 / 4


def test_one_group_is_shown_by_partition() -> None:
    told = rows_of(lag_chart(POINTS, "messages", by_partition=True))
    assert "email · orders/1" in {row["series"] for row in told}


def test_what_could_not_be_read_is_left_out() -> None:
    gap = POINTS[0].model_copy(update={"seconds": None})
    assert rows_of(lag_chart([gap], "seconds", by_partition=True)) == []
