from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from laban_dashboard.presentation.orders_rows import bars_caption, order_query, orders_table_data
from laban_mapper.model import OrderCause, OrderSummary

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def order(value: str, **fields: Any) -> OrderSummary:
    given: dict[str, Any] = {
        "key": "order.id",
        "outcome": "ok",
        "started": NOW - timedelta(seconds=40),
        "duration_ms": 100.0,
        "services": ["order", "pricing"],
        **fields,
    }
    return OrderSummary(value=value, **given)


def rows(*orders: OrderSummary) -> list[Any]:
    shown: Any = orders_table_data(orders, NOW, UTC)["orders"]
    return list(shown)


def test_a_row_has_a_link_that_can_be_copied() -> None:
    fast, slow = rows(order("1001"), order("1002", duration_ms=400.0, outcome="ok_with_errors"))
    assert fast == {
        "id": "1001",
        "query": "1001",
        "href": "order?order=1001",
        "outcome": "ok",
        "tone": "good",
        "took": "100 ms",
        "compared": None,
        "cause": "",
        "cause_in_utc": "",
        "where": "2 services",
        "services": "order, pricing",
        "seen": "40 s ago",
        "time": "20 Nov 2026 11:59:20 (11:59:20 UTC)",
    }
    assert (slow["outcome"], slow["tone"]) == ("ok with errors", "warn")


def compared(duration_ms: float, **fields: Any) -> Any:
    usual = {"usual_ms": 100.0, "usual_examples": 380}
    return rows(order("1001", duration_ms=duration_ms, **usual, **fields))[0]["compared"]


def test_a_bar_is_against_what_is_usual_and_says_so_in_words() -> None:
    assert compared(310) == {
        "until_usual": 0.25,
        "beyond": pytest.approx(0.525),
        "usual": 0.25,
        "longer": False,
        "words": "3.1 × usual",
        "title": "usually 100 ms (380 traces)",
    }
    assert compared(120) | {"until_usual": 0.3, "beyond": 0.0, "words": "usual"} == compared(120)
    assert [compared(ms)["words"] for ms in (5, 9.8, 40, 1_700, 123_456)] == [
        "0.05 × usual",
        "0.1 × usual",
        "0.4 × usual",
        "17 × usual",
        "1,235 × usual",
    ]
    longest = compared(9_000)
    assert (longest["until_usual"], longest["beyond"], longest["longer"]) == (0.25, 0.75, True)


def test_what_the_bars_mean_is_said_if_there_are_any() -> None:
    assert bars_caption([order("1001")]) == ""
    told = bars_caption([order("1001"), order("1002", usual_ms=50.0, usual_examples=30)])
    assert told == "Bars end at 4 × usual, the tick is at usual; ▸ took longer than that."


def test_an_order_that_waits_takes_as_long_as_it_waits_and_is_compared_only_if_that_is_long_already() -> None:
    just = {"started": NOW - timedelta(seconds=9)}
    assert compared(20, outcome="waiting", **just) is None
    assert compared(310, outcome="waiting", **just)["words"] == "3.1 × usual so far"
    assert compared(20, outcome="waiting")["words"] == "400 × usual so far"
    waits = order("1001", outcome="waiting")
    (now,) = rows(waits)
    assert (now["took"], now["seen"]) == ("40.0 s", "40 s ago")
    recorded: Any = orders_table_data([waits], NOW, UTC, NOW - timedelta(seconds=30))["orders"]
    assert (recorded[0]["took"], recorded[0]["seen"]) == ("10.0 s", "40 s ago")


def test_a_cause_names_the_service_that_is_blamed() -> None:
    cause = OrderCause(service="payment", kind="error", sentence="payment failed")
    (row,) = rows(order("1001", cause=cause, outcome="failed"))
    assert (row["cause"], row["where"], row["tone"]) == ("payment failed", "payment", "bad")


def test_times_in_a_cause_are_those_of_the_reader_with_utc_beside() -> None:
    sentence = "group email has committed nothing since at least 10:41:51 UTC"
    cause = OrderCause(service="email", kind="stuck", sentence=sentence)
    shown: Any = orders_table_data([order("1", cause=cause)], NOW, ZoneInfo("Asia/Kolkata"))["orders"]
    assert shown[0]["cause"] == "group email has committed nothing since at least 16:11:51"
    assert shown[0]["cause_in_utc"] == sentence
    assert rows(order("1", cause=cause))[0]["cause_in_utc"] == sentence


def test_another_key_and_odd_values_are_opened_by_their_whole_name() -> None:
    assert order_query(order("42", key="customer.id")) == "customer.id=42"
    assert order_query(order("a=b")) == "order.id=a=b"
    (row,) = rows(order("5&x=ä\u202e", key="customer.id"))
    assert row["href"] == "order?order=customer.id%3D5%26x%3D%C3%A4%E2%80%AE"
    assert row["id"] == "customer.id=5&x=ä\\u202e"


def test_an_order_that_took_no_time_has_no_bar() -> None:
    found = compared(0.0)
    assert (found["until_usual"], found["beyond"]) == (0.0, 0.0)
