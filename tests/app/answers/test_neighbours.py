"""The orders before and after one, over a real database."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from laban_app.answers.local import LocalAnswers
from laban_collector.store.rows import Span
from laban_mapper.model import NeighbourRow

from ...mapper.shop_spans import MS, http_server
from .test_local import store as store

SECOND = 1000 * MS


def order(number: int, customer: str) -> Span:
    """An order of a customer, `number` seconds after the first one, in a trace of its own."""
    entry = http_server("order", "POST /orders", 0, 20)
    keys: dict[str, object] = {"order.id": f"o-{number}", "customer.id": customer}
    return replace(entry, trace_id=f"{number + 1:032x}", start=entry.start + number * SECOND, attributes=keys)


@pytest.fixture
def shop(store: Callable[..., LocalAnswers]) -> LocalAnswers:
    """Six orders; the customers a and b take turns, and c has a single one."""
    return store([*(order(number, "ab"[number % 2]) for number in range(5)), order(5, "c")])


def row(answers: LocalAnswers, value: str, key: str) -> NeighbourRow:
    return next(one for one in answers.neighbours("order", value).rows if one.key == key)


def names(found: NeighbourRow) -> tuple[str | None, str | None]:
    before, after = found.previous, found.next
    return (before.value if before else None, after.value if after else None)


def test_the_orders_of_the_same_customer_are_told_by_time(shop: LocalAnswers) -> None:
    found = row(shop, "o-2", "customer.id")
    assert (found.value, found.orders, found.truncated) == ("a", 3, False)
    assert names(found) == ("o-0", "o-4")
    assert names(row(shop, "o-0", "customer.id")) == (None, "o-2")
    assert names(row(shop, "o-3", "customer.id")) == ("o-1", None)


def test_the_orders_just_before_and_after_are_told_whoever_ordered(shop: LocalAnswers) -> None:
    assert names(row(shop, "o-2", "order.id")) == ("o-1", "o-3")
    assert names(row(shop, "o-5", "order.id")) == ("o-4", None)


def test_a_customer_with_one_order_has_no_row(shop: LocalAnswers) -> None:
    assert [one.key for one in shop.neighbours("order", "o-5").rows] == ["order.id"]


def test_an_unknown_order_has_no_neighbours(shop: LocalAnswers) -> None:
    found = shop.neighbours("order", "o-99")
    assert (found.key, found.value, found.rows, found.left_out) == ("order", "o-99", [], 0)
