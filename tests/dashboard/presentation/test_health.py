from datetime import UTC, datetime, timedelta
from typing import Any

from laban_dashboard.presentation.health import bad_orders, figures, problems
from laban_mapper.model import GroupLag, OrderCause, Orders, OrderSummary, PartitionLag
from tests.dashboard.shop_answers import edge, graph_of, shop_lag

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def order(value: str, outcome: str = "ok", kind: str | None = None, minutes: float = 1) -> OrderSummary:
    cause: Any = None if kind is None else OrderCause(service="payment", kind=kind, sentence="…")  # type: ignore[arg-type]
    fields: dict[str, Any] = {
        "outcome": outcome,
        "cause": cause,
        "started": NOW - minutes * timedelta(minutes=1),
    }
    return OrderSummary(key="order.id", value=value, duration_ms=10.0, **fields)


def test_the_figures_count_orders_and_name_the_worst_group() -> None:
    found = Orders(
        orders=[
            order("1", "failed"),
            order("2", "ok", "slow", minutes=2),
            order("3", "waiting", minutes=2),
            order("4"),
        ]
    )
    shown = [(one.label, one.value, one.note, one.tone) for one in figures(found, shop_lag().groups, NOW)]
    assert shown == [
        ("Orders a minute", "2.0", "4 orders in 2 min", "neutral"),
        ("Failed", "25 %", "1 of 4 orders", "bad"),
        ("Slow", "25 %", "1 of 4 orders", "bad"),
        ("Waiting", "25 %", "1 of 4 orders", "bad"),
        ("Worst group", "STOP", "email: 272 messages behind, about 42.0 s", "bad"),
    ]


def test_the_rate_of_the_newest_of_many_orders_rests_on_their_seconds() -> None:
    newest = [order(str(number), minutes=0.1) for number in range(50)]
    rates = [figures(Orders(orders=newest, truncated=more), [], NOW)[0] for more in (True, False)]
    assert [(one.value, one.note) for one in rates] == [
        ("500", "50 orders in 6.0 s"),
        ("50", "50 orders in 1 min"),
    ]


def test_without_orders_and_groups_the_figures_say_so() -> None:
    shown = figures(Orders(orders=[]), [], NOW)
    assert [(one.value, one.tone) for one in shown] == [
        ("0", "neutral"),
        ("–", "neutral"),
        ("–", "neutral"),
        ("–", "neutral"),
        ("–", "neutral"),
    ]


def test_the_worst_problem_comes_first() -> None:
    found = graph_of(
        [edge("service:a", "service:b", "http", 100, 9), edge("group:g", "service:c", "kafka", 20, 10)]
    )
    stuck = GroupLag(group="email", status="STOP", messages=1700, topics=[])
    assert problems(found, [stuck], Orders(orders=[])) == [
        "email has stopped: 1,700 messages behind",
        "c fails on 50 % of its messages (10 of 20)",
        "9.0 % of the calls a → b fail (9 of 100)",
    ]


def test_a_single_error_is_no_problem_and_a_failed_order_is() -> None:
    found = graph_of(
        [edge("service:a", "service:b", "http", 100, 1), edge("service:a", "service:c", "http", 4, 4)]
    )
    assert problems(found, [], Orders(orders=[order("1")])) == []
    assert problems(found, [], Orders(orders=[order("1", "failed"), order("2")])) == [
        "1 of the newest 2 orders failed"
    ]


def test_orders_that_wait_for_a_consumer_are_a_problem_before_its_group_has_a_status() -> None:
    waiting = Orders(orders=[order("1", "waiting", "stuck"), order("2", "waiting"), order("3")])
    early = GroupLag(group="payment", status="OK", messages=67, topics=[])
    assert problems(graph_of([]), [early], waiting) == ["1 of the newest 3 orders wait for payment"]
    later = early.model_copy(update={"status": "STOP"})
    assert problems(graph_of([]), [later], waiting) == ["payment has stopped: 67 messages behind"]


def test_an_order_that_was_just_seen_is_on_its_way() -> None:
    new = [order("1", "waiting", minutes=0.1), order("2", "incomplete", minutes=0.1), order("3")]
    assert bad_orders(new, NOW) == []
    shown = {one.label: (one.value, one.tone) for one in figures(Orders(orders=new), [], NOW)}
    assert shown["Waiting"] == ("33 %", "neutral")
    bad = [order("4", "waiting", "stuck", minutes=0.1), order("5", "incomplete")]
    assert bad_orders([*new, *bad], NOW) == bad


def test_many_problems_are_cut_with_their_number() -> None:
    found = graph_of([edge("service:a", f"service:b{number}", "http", 10, 5) for number in range(9)])
    told = problems(found, [], Orders(orders=[]))
    assert (len(told), told[-1]) == (4, "and 6 more")


def test_a_retry_that_succeeded_is_no_bad_order_and_the_worst_is_first() -> None:
    orders = [
        order("1"),
        order("2", "ok_with_errors", "retried"),
        order("3", "ok", "slow"),
        order("4", "failed"),
    ]
    assert [one.value for one in bad_orders(orders, NOW)] == ["4", "3"]


def test_a_partition_without_seconds_has_no_time() -> None:
    one = PartitionLag(
        topic="t", partition=0, committed=1, end=3, messages=2, seconds=None, status="STALL", time=NOW
    )
    group = GroupLag(group="g", status="STALL", messages=2, topics=[one])
    assert problems(graph_of([]), [group], Orders(orders=[])) == ["g is stuck: 2 messages behind"]
