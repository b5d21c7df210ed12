"""payment: charges orders. Input: gRPC in the monolith style, OrderCreated events in the hybrid style."""

import threading

import grpc

from laban_samples.catalogue import PAYMENT_LIMIT_CENTS
from laban_samples.messaging.events import (
    ORDERS,
    PAYMENTS,
    Event,
    OrderCreated,
    PaymentCaptured,
    PaymentFailed,
)
from laban_samples.messaging.publisher import Publisher
from laban_samples.proto import shop_pb2, shop_pb2_grpc
from laban_samples.runtime.service import Service, run_service


class PaymentProcessor:
    """Charges each order once, even if the request is repeated.

    Args:
        limit_cents: larger charges are declined.
    """

    def __init__(self, limit_cents: int = PAYMENT_LIMIT_CENTS) -> None:
        self._limit_cents = limit_cents
        self._lock = threading.Lock()
        self._declined: dict[str, str] = {}

    def charge(self, order_id: str, amount_cents: int) -> str:
        """Charge an order; return the reason for a decline, or an empty string."""
        with self._lock:
            if order_id not in self._declined:
                self._declined[order_id] = self._decide(amount_cents)
            return self._declined[order_id]

    def _decide(self, amount_cents: int) -> str:
        if amount_cents <= self._limit_cents:
            return ""
        return f"{amount_cents / 100:.2f} exceeds the card's limit of {self._limit_cents / 100:.2f}"


class Servicer(shop_pb2_grpc.PaymentServicer):
    """The gRPC servicer of payment."""

    def __init__(self, processor: PaymentProcessor) -> None:
        self._processor = processor

    def Charge(  # noqa: N802 - the names in the proto
        self,
        request: shop_pb2.ChargeRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> shop_pb2.ChargeReply:
        """Charge an order only once."""
        declined = self._processor.charge(request.order_id, request.amount_cents)
        return shop_pb2.ChargeReply(captured=not declined, reason=declined)


def payment_event(order: OrderCreated, declined: str) -> PaymentCaptured | PaymentFailed:
    """Create the event for a charge; `declined` is the reason for a decline, or empty."""
    if declined:
        return PaymentFailed(
            order_id=order.order_id,
            customer_id=order.customer_id,
            amount_cents=order.total_cents,
            reason=declined,
        )
    return PaymentCaptured(
        order_id=order.order_id, customer_id=order.customer_id, amount_cents=order.total_cents
    )


def handle_event(processor: PaymentProcessor, publisher: Publisher, event: Event) -> None:
    """Charge a new order and publish the outcome."""
    if isinstance(event, OrderCreated):
        declined = processor.charge(event.order_id, event.total_cents)
        publisher.publish(PAYMENTS, payment_event(event, declined))


def configure(service: Service) -> None:
    """Add the gRPC servicer and the event handler of payment."""
    processor = PaymentProcessor()
    servicer = Servicer(processor)
    service.serve_grpc(lambda server: shop_pb2_grpc.add_PaymentServicer_to_server(servicer, server))
    if service.settings.style == "hybrid":
        publisher = service.publisher
        service.consume((ORDERS,), lambda event: handle_event(processor, publisher, event))


if __name__ == "__main__":
    run_service("payment", configure)
