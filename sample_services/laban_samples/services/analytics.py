"""analytics: counts business events. Input: REST in the monolith style, Kafka events in the hybrid style."""

import threading
from collections import Counter
from typing import Literal

from pydantic import BaseModel

from laban_samples.messaging.events import ORDERS, PAYMENTS, Event, OrderChanged, OrderCreated
from laban_samples.runtime.service import Service, run_service

EventType = Literal["OrderCreated", "OrderChanged", "PaymentCaptured", "PaymentFailed"]


class AnalyticsEvent(BaseModel):
    """A business event of an order."""

    type: EventType
    order_id: str
    amount_cents: int


class Stats(BaseModel):
    """The number and the total amount of each event type."""

    counts: dict[str, int]
    amounts_cents: dict[str, int]


class EventCounter:
    """Counts events and adds up their amounts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._amounts: Counter[str] = Counter()

    def add(self, event: AnalyticsEvent) -> None:
        """Count an event."""
        with self._lock:
            self._counts[event.type] += 1
            self._amounts[event.type] += event.amount_cents

    def stats(self) -> Stats:
        """Return the totals."""
        with self._lock:
            return Stats(counts=dict(self._counts), amounts_cents=dict(self._amounts))


def to_analytics_event(event: Event) -> AnalyticsEvent:
    """Convert a Kafka event."""
    match event:
        case OrderCreated():
            amount = event.total_cents
        case OrderChanged():
            amount = 0
        case _:
            amount = event.amount_cents
    return AnalyticsEvent(type=event.type, order_id=event.order_id, amount_cents=amount)


def configure(service: Service) -> None:
    """Add the routes and the event handler of analytics."""
    counter = EventCounter()

    @service.routes.post("/events", status_code=202)
    def add(event: AnalyticsEvent) -> AnalyticsEvent:
        counter.add(event)
        return event

    @service.routes.get("/stats")
    def show() -> Stats:
        return counter.stats()

    if service.settings.style == "hybrid":
        service.consume((ORDERS, PAYMENTS), lambda event: counter.add(to_analytics_event(event)))


if __name__ == "__main__":
    run_service("analytics", configure)
