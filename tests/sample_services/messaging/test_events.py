"""The encoding of events."""

import json

import pytest

from laban_samples.errors import UndecodableEvent
from laban_samples.messaging.events import (
    Event,
    Item,
    OrderChanged,
    OrderCreated,
    PaymentCaptured,
    PaymentFailed,
    decode,
    encode,
)

EVENTS: list[Event] = [
    OrderCreated(order_id="1001", customer_id="c-7", items=(Item(sku="book", quantity=2),), total_cents=3780),
    OrderChanged(order_id="1001", customer_id="c-7", note="leave it at the door"),
    PaymentCaptured(order_id="1001", customer_id="c-7", amount_cents=3780),
    PaymentFailed(order_id="1001", customer_id="c-7", amount_cents=3780, reason="over the limit"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_event_survives_encoding_and_decoding(event: Event) -> None:
    assert decode(encode(event)) == event


def test_an_event_is_plain_json_with_its_type_and_order() -> None:
    fields = json.loads(encode(EVENTS[0]))
    assert (fields["type"], fields["order_id"], fields["items"]) == (
        "OrderCreated",
        "1001",
        [{"sku": "book", "quantity": 2}],
    )


def test_event_ids_are_unique() -> None:
    assert len({event.event_id for event in EVENTS}) == len(EVENTS)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff\xfe",
        b"{",
        b"{}",
        b'{"type": "OrderShipped"}',
        pytest.param(encode(EVENTS[0])[:40], id="truncated"),
    ],
)
def test_an_invalid_record_is_rejected(value: bytes | None) -> None:
    with pytest.raises(UndecodableEvent):
        decode(value)
