"""The business logic of each service, without network."""

from collections.abc import Callable
from itertools import islice

import pytest

from laban_samples.catalogue import Tier
from laban_samples.errors import PeerFailed
from laban_samples.messaging.events import Item, OrderChanged, OrderCreated, PaymentCaptured, PaymentFailed
from laban_samples.services.analytics import EventCounter, to_analytics_event
from laban_samples.services.email import Email, EmailSender, email_subject
from laban_samples.services.inventory import Stock
from laban_samples.services.order import Order, OrderStore
from laban_samples.services.payment import PaymentProcessor, payment_event
from laban_samples.services.pricing import FAILURES_TO_OPEN, PriceList, with_circuit_breaker

CREATED = OrderCreated(
    order_id="1001", customer_id="c-7", items=(Item(sku="book", quantity=2),), total_cents=3780
)
CHANGED = OrderChanged(order_id="1001", customer_id="c-7", note="ring twice")
CAPTURED = PaymentCaptured(order_id="1001", customer_id="c-7", amount_cents=3780)
DECLINED = PaymentFailed(order_id="1001", customer_id="c-7", amount_cents=3780, reason="over the limit")


def test_payment_declines_a_charge_over_the_limit_with_a_reason() -> None:
    charges = PaymentProcessor(limit_cents=10_000)
    assert charges.charge("1001", 10_000) == ""
    assert charges.charge("1002", 10_001) == "100.01 exceeds the card's limit of 100.00"


def test_payment_charges_an_order_once() -> None:
    charges = PaymentProcessor(limit_cents=10_000)
    assert charges.charge("1001", 500) == charges.charge("1001", 99_999) == ""


def test_payment_publishes_the_outcome_of_a_charge() -> None:
    assert isinstance(payment_event(CREATED, ""), PaymentCaptured)
    declined = payment_event(CREATED, "over the limit")
    assert isinstance(declined, PaymentFailed)
    assert (declined.order_id, declined.amount_cents, declined.reason) == ("1001", 3780, "over the limit")


def test_inventory_reserves_an_order_once() -> None:
    stock = Stock({"book": 5})
    assert [stock.reserve("1001", [("book", 2)]) for _ in range(3)] == ["", "", ""]
    assert stock.available("book") == 3


def test_inventory_reserves_all_items_of_an_order_or_none() -> None:
    stock = Stock({"book": 5, "desk": 0})
    assert stock.reserve("1001", [("book", 2), ("desk", 1)]) == "out of stock: desk"
    assert stock.available("book") == 5


def test_a_new_subscriber_gets_the_price_list_then_the_changes() -> None:
    prices = PriceList({"book": 100, "desk": 900})
    updates = prices.changes(lifetime=30)
    assert list(islice(updates, 2)) == [("book", 100), ("desk", 900)]
    prices.change("book", 120)
    assert next(updates) == ("book", 120)
    assert prices.price("book") == 120


def test_a_subscription_ends_after_its_lifetime_or_with_the_service() -> None:
    prices = PriceList({"book": 100})
    assert list(prices.changes(lifetime=0)) == [("book", 100)]
    updates = prices.changes(lifetime=30)
    next(updates)
    prices.close()
    assert list(updates) == []


def failing_lookup(calls: list[str]) -> Callable[[str], Tier]:
    def lookup(customer_id: str) -> Tier:
        calls.append(customer_id)
        raise PeerFailed("user", "did not answer in time")

    return lookup


def test_the_circuit_breaker_opens_after_failures_of_user() -> None:
    calls: list[str] = []
    tier = with_circuit_breaker(failing_lookup(calls))
    assert {tier("c-10") for _ in range(10)} == {"basic"}
    assert len(calls) == FAILURES_TO_OPEN


def test_the_circuit_breaker_passes_a_tier_through() -> None:
    assert with_circuit_breaker(lambda _customer: "gold")("c-10") == "gold"


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [(CAPTURED, "paid", ""), (DECLINED, "payment_failed", "over the limit"), (CREATED, "created", "")],
)
def test_order_stores_the_outcome_of_the_payment(
    event: OrderCreated | PaymentCaptured | PaymentFailed, status: str, reason: str
) -> None:
    orders = OrderStore()
    orders.put(
        Order(order_id="1001", customer_id="c-7", items=CREATED.items, total_cents=3780, status="created")
    )
    orders.handle_event(event)
    order = orders.get("1001")
    assert order
    assert (order.status, order.reason) == (status, reason)


def test_an_order_can_be_changed_and_its_events_do_not_undo_that() -> None:
    orders = OrderStore()
    assert orders.change("1001", "ring twice") is None
    orders.put(
        Order(order_id="1001", customer_id="c-7", items=CREATED.items, total_cents=3780, status="created")
    )
    orders.change("1001", "ring twice")
    for event in (CHANGED, CAPTURED):
        orders.handle_event(event)
    order = orders.get("1001")
    assert order
    assert (order.status, order.note) == ("paid", "ring twice")


def test_order_ignores_the_payment_of_an_unknown_order() -> None:
    orders = OrderStore()
    orders.handle_event(CAPTURED)
    assert orders.get("1001") is None


def test_email_has_a_subject_for_every_event() -> None:
    subjects = [email_subject(event) for event in (CREATED, CHANGED, CAPTURED, DECLINED)]
    assert len(set(subjects)) == 4
    assert all("1001" in subject for subject in subjects)


def test_email_keeps_sent_emails_by_order() -> None:
    sender = EmailSender()
    emails = [Email(order_id=order, customer_id="c-1", subject=order) for order in ("1", "2", "1")]
    for email in emails:
        sender.send(email)
    assert sender.sent_for("1") == [emails[0], emails[2]]


def test_analytics_adds_up_counts_and_amounts() -> None:
    counter = EventCounter()
    for event in (CREATED, CAPTURED, CREATED, CHANGED):
        counter.add(to_analytics_event(event))
    assert counter.stats().counts == {"OrderCreated": 2, "PaymentCaptured": 1, "OrderChanged": 1}
    assert counter.stats().amounts_cents == {"OrderCreated": 7560, "PaymentCaptured": 3780, "OrderChanged": 0}
