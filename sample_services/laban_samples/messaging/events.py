"""The events of the shop: CloudEvents with JSON data, and the order ID as the key."""

from typing import Annotated, Final, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from laban_samples.errors import UndecodableEvent

ORDERS: Final = "orders"
PAYMENTS: Final = "payments"
DEAD_LETTER_SUFFIX: Final = ".dlq"
PARTITIONS: Final = {ORDERS: 3, PAYMENTS: 3, ORDERS + DEAD_LETTER_SUFFIX: 1, PAYMENTS + DEAD_LETTER_SUFFIX: 1}
"""The number of partitions of each topic."""


class Item(BaseModel):
    """A product and its quantity."""

    model_config = ConfigDict(frozen=True)

    sku: str = Field(min_length=1)
    quantity: int = Field(ge=1, le=1000)


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    event_id: str = Field(default_factory=lambda: uuid4().hex)
    """Identifies the event, so that a consumer can detect a duplicate."""
    order_id: str
    customer_id: str


class OrderCreated(_Event):
    """An order was accepted; the other services react to it."""

    type: Literal["OrderCreated"] = "OrderCreated"
    items: tuple[Item, ...]
    total_cents: int


class OrderChanged(_Event):
    """The customer has changed the note of an order; its consumers must see OrderCreated before."""

    type: Literal["OrderChanged"] = "OrderChanged"
    note: str


class PaymentCaptured(_Event):
    """The order is paid."""

    type: Literal["PaymentCaptured"] = "PaymentCaptured"
    amount_cents: int


class PaymentFailed(_Event):
    """The charge was declined, which is a business outcome and not an error."""

    type: Literal["PaymentFailed"] = "PaymentFailed"
    amount_cents: int
    reason: str


Event = OrderCreated | OrderChanged | PaymentCaptured | PaymentFailed
_event = TypeAdapter[Event](Annotated[Event, Field(discriminator="type")])


def encode(event: Event) -> bytes:
    """Encode an event as the value of a record."""
    return event.model_dump_json().encode()


def cloud_event_headers(event: Event, source: str) -> list[tuple[str, bytes]]:
    """Return the headers that make a record a CloudEvent, in the binary mode of its binding for Kafka."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event.event_id,
        "ce_source": f"/{source}",
        "ce_type": event.type,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in headers.items()]


def decode(value: bytes | None) -> Event:
    """Decode the value of a record.

    Raises:
        UndecodableEvent: the value is not an event; the error says why.
    """
    try:
        return _event.validate_json(value or b"")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UndecodableEvent(f"{first['msg']} at {first['loc']}") from error
