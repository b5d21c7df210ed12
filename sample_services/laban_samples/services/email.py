"""email: tells the customer. By REST in the monolith style, by reacting to events in the hybrid one."""

import logging
import threading
from collections import deque
from typing import Final

from pydantic import BaseModel

from laban_samples.chassis import Chassis, run_service
from laban_samples.events import ORDERS, PAYMENTS, Event, OrderCreated, PaymentCaptured, PaymentFailed

KEPT: Final = 1_000
log = logging.getLogger(__name__)


class Email(BaseModel):
    """A message to a customer about an order."""

    order_id: str
    customer_id: str
    subject: str


class Outbox:
    """Sends emails: here into the log, and into a bounded list that can be looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: deque[Email] = deque(maxlen=KEPT)

    def send(self, email: Email) -> None:
        """Send one."""
        log.info("to %s: %s", email.customer_id, email.subject)
        with self._lock:
            self._sent.append(email)

    def about(self, order_id: str) -> list[Email]:
        """What was sent about an order, the oldest first."""
        with self._lock:
            return [email for email in self._sent if email.order_id == order_id]


def subject_of(event: Event) -> str:
    """The subject of the email that an event calls for."""
    match event:
        case OrderCreated():
            return f"We have your order {event.order_id}"
        case PaymentCaptured():
            return f"Your order {event.order_id} is paid and on its way"
        case PaymentFailed():
            return f"Your payment for order {event.order_id} was declined: {event.reason}"


def build(chassis: Chassis) -> None:
    """Add what email does to its chassis."""
    outbox = Outbox()

    @chassis.routes.post("/emails", status_code=202)
    def send(email: Email) -> Email:
        outbox.send(email)
        return email

    @chassis.routes.get("/emails/{order_id}")
    def show(order_id: str) -> list[Email]:
        return outbox.about(order_id)

    def react(event: Event) -> None:
        outbox.send(Email(order_id=event.order_id, customer_id=event.customer_id, subject=subject_of(event)))

    if chassis.settings.style == "hybrid":
        chassis.consume((ORDERS, PAYMENTS), react)


if __name__ == "__main__":
    run_service("email", build)
