"""payment: takes the money. By gRPC in the monolith style, by reacting to OrderCreated in the hybrid one."""

import threading

import grpc

from laban_samples.catalogue import PAYMENT_LIMIT_CENTS
from laban_samples.chassis import Chassis, run_service
from laban_samples.events import ORDERS, PAYMENTS, Event, OrderCreated, PaymentCaptured, PaymentFailed
from laban_samples.messaging.publisher import Publisher
from laban_samples.proto import shop_pb2, shop_pb2_grpc


class Charges:
    """Charges each order once, however often it is asked to.

    Args:
        limit_cents: larger charges are declined.
    """

    def __init__(self, limit_cents: int = PAYMENT_LIMIT_CENTS) -> None:
        self._limit_cents = limit_cents
        self._lock = threading.Lock()
        self._declined: dict[str, str] = {}

    def charge(self, order_id: str, amount_cents: int) -> str:
        """Charge an order: why it was declined, empty when the money was captured."""
        with self._lock:
            if order_id not in self._declined:
                self._declined[order_id] = self._decide(amount_cents)
            return self._declined[order_id]

    def _decide(self, amount_cents: int) -> str:
        if amount_cents <= self._limit_cents:
            return ""
        return f"{amount_cents / 100:.2f} is over the card's limit of {self._limit_cents / 100:.2f}"


class Servicer(shop_pb2_grpc.PaymentServicer):
    """Payment over gRPC."""

    def __init__(self, charges: Charges) -> None:
        self._charges = charges

    def Charge(  # noqa: N802 - the name and the arguments stand in the proto
        self,
        request: shop_pb2.ChargeRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> shop_pb2.ChargeReply:
        """Charge an order once."""
        declined = self._charges.charge(request.order_id, request.amount_cents)
        return shop_pb2.ChargeReply(captured=not declined, reason=declined)


def outcome_of(order: OrderCreated, declined: str) -> PaymentCaptured | PaymentFailed:
    """What to tell the others about a charge; `declined` says why, empty when it was not."""
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


def react_with(charges: Charges, publisher: Publisher, event: Event) -> None:
    """Charge a new order and publish how it went."""
    if isinstance(event, OrderCreated):
        declined = charges.charge(event.order_id, event.total_cents)
        publisher.publish(PAYMENTS, outcome_of(event, declined))


def build(chassis: Chassis) -> None:
    """Add what payment does to its chassis."""
    charges = Charges()
    servicer = Servicer(charges)
    chassis.serve_grpc(lambda server: shop_pb2_grpc.add_PaymentServicer_to_server(servicer, server))
    if chassis.settings.style == "hybrid":
        publisher = chassis.publisher
        chassis.consume((ORDERS,), lambda event: react_with(charges, publisher, event))


if __name__ == "__main__":
    run_service("payment", build)
