"""analytics: counts what happens. By REST in the monolith style, by reacting to events in the hybrid one."""

import threading
from collections import Counter
from typing import Literal

from pydantic import BaseModel

from laban_samples.chassis import Chassis, run_service
from laban_samples.events import ORDERS, PAYMENTS, Event, OrderCreated

EventType = Literal["OrderCreated", "PaymentCaptured", "PaymentFailed"]


class Fact(BaseModel):
    """Something that happened to an order."""

    type: EventType
    order_id: str
    amount_cents: int


class Stats(BaseModel):
    """How often each thing happened, and how much money was in it."""

    counts: dict[str, int]
    amounts_cents: dict[str, int]


class Tally:
    """Adds facts up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._amounts: Counter[str] = Counter()

    def add(self, fact: Fact) -> None:
        """Count one."""
        with self._lock:
            self._counts[fact.type] += 1
            self._amounts[fact.type] += fact.amount_cents

    def stats(self) -> Stats:
        """What it adds up to."""
        with self._lock:
            return Stats(counts=dict(self._counts), amounts_cents=dict(self._amounts))


def fact_of(event: Event) -> Fact:
    """What an event says, as a fact."""
    amount = event.total_cents if isinstance(event, OrderCreated) else event.amount_cents
    return Fact(type=event.type, order_id=event.order_id, amount_cents=amount)


def build(chassis: Chassis) -> None:
    """Add what analytics does to its chassis."""
    tally = Tally()

    @chassis.routes.post("/events", status_code=202)
    def add(fact: Fact) -> Fact:
        tally.add(fact)
        return fact

    @chassis.routes.get("/stats")
    def show() -> Stats:
        return tally.stats()

    if chassis.settings.style == "hybrid":
        chassis.consume((ORDERS, PAYMENTS), lambda event: tally.add(fact_of(event)))


if __name__ == "__main__":
    run_service("analytics", build)
