"""email: notifies the customers. Input: REST in the monolith style, Kafka events in the hybrid style."""

import logging
import threading
from collections import deque
from typing import Final

from pydantic import BaseModel

from laban_samples.messaging.events import (
    ORDERS,
    PAYMENTS,
    Event,
    OrderChanged,
    OrderCreated,
    PaymentCaptured,
    PaymentFailed,
)
from laban_samples.runtime.service import Service, run_service

MAX_KEPT: Final = 1_000
log = logging.getLogger(__name__)


class Email(BaseModel):
    """An email to a customer about an order."""

    order_id: str
    customer_id: str
    subject: str


class EmailSender:
    """Sends emails. The sample only logs them and keeps the newest ones in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: deque[Email] = deque(maxlen=MAX_KEPT)

    def send(self, email: Email) -> None:
        """Send an email."""
        log.info("to %s: %s", email.customer_id, email.subject)
        with self._lock:
            self._sent.append(email)

    def sent_for(self, order_id: str) -> list[Email]:
        """Return the emails about an order, the oldest first."""
        with self._lock:
            return [email for email in self._sent if email.order_id == order_id]


def email_subject(event: Event) -> str:
    """Return the subject of the email for an event."""
    match event:
        case OrderCreated():
            return f"We received your order {event.order_id}"
        case OrderChanged():
            return f"We changed your order {event.order_id}"
        case PaymentCaptured():
            return f"Your order {event.order_id} is paid and on its way"
        case PaymentFailed():
            return f"Your payment for order {event.order_id} was declined: {event.reason}"


def configure(service: Service) -> None:
    """Add the routes and the event handler of email."""
    sender = EmailSender()

    @service.routes.post("/emails", status_code=202)
    def send(email: Email) -> Email:
        sender.send(email)
        return email

    @service.routes.get("/emails/{order_id}")
    def show(order_id: str) -> list[Email]:
        return sender.sent_for(order_id)

    def react(event: Event) -> None:
        sender.send(
            Email(order_id=event.order_id, customer_id=event.customer_id, subject=email_subject(event))
        )

    if service.settings.style == "hybrid":
        service.consume((ORDERS, PAYMENTS), react)


if __name__ == "__main__":
    run_service("email", configure)
