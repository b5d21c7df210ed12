"""order: the public edge of the shop; the one place where the two styles differ in what they do.

monolith: reserve, charge, email and count, one after the other, while the customer waits.
hybrid: ask for the price, publish OrderCreated, answer; the others react, and order hears of the payment.
"""

import logging
import threading
from collections.abc import Callable
from typing import Annotated, Literal
from uuid import uuid4

import grpc
from fastapi import HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from laban_samples.chassis import Chassis, run_service
from laban_samples.errors import PublishFailed
from laban_samples.events import ORDERS, PAYMENTS, Event, Item, OrderCreated, PaymentCaptured, PaymentFailed
from laban_samples.messaging.publisher import Publisher
from laban_samples.peers import (
    NOTIFY_TIMEOUT_S,
    InventoryClient,
    NotifiedClient,
    PaymentClient,
    PricingClient,
    grpc_channel,
    http_client,
    wire_items,
)
from laban_samples.proto import shop_pb2

log = logging.getLogger(__name__)
OrderStatus = Literal["created", "paid", "payment_failed", "out_of_stock"]


class OrderRequest(BaseModel):
    """What a customer sends. Who names the order can repeat the request: it is created once."""

    order_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = Field(
        default_factory=lambda: uuid4().hex[:12]
    )
    customer_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=50)]


class Order(BaseModel):
    """An order as the shop knows it."""

    model_config = ConfigDict(frozen=True)

    order_id: str
    customer_id: str
    items: tuple[Item, ...]
    total_cents: int
    status: OrderStatus
    reason: str = ""


class Orders:
    """All orders by id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}

    def get(self, order_id: str) -> Order | None:
        """An order, or None."""
        with self._lock:
            return self._orders.get(order_id)

    def put(self, order: Order) -> Order:
        """Store an order, new or changed."""
        with self._lock:
            self._orders[order.order_id] = order
        return order

    def remove(self, order_id: str) -> None:
        """Forget an order that did not come about."""
        with self._lock:
            self._orders.pop(order_id, None)

    def react(self, event: Event) -> None:
        """Note how the payment of an order went."""
        with self._lock:
            order = self._orders.get(event.order_id)
            if order is None:
                log.warning("%s of order %s, which is not known here", event.type, event.order_id)
                return
            match event:
                case PaymentCaptured():
                    change = {"status": "paid"}
                case PaymentFailed():
                    change = {"status": "payment_failed", "reason": event.reason}
                case OrderCreated():
                    return
            self._orders[event.order_id] = order.model_copy(update=change)


class SynchronousFlow:
    """Creates an order by calling everybody, one after the other."""

    def __init__(
        self,
        inventory: InventoryClient,
        payment: PaymentClient,
        email: NotifiedClient,
        analytics: NotifiedClient,
    ) -> None:
        self._inventory = inventory
        self._payment = payment
        self._email = email
        self._analytics = analytics

    def __call__(self, orders: Orders, request: OrderRequest) -> Order:
        """Create an order; when this returns, it is paid or declined."""
        order = self._reserve(request)
        if order.status == "created":
            order = self._charge(order)
            self._tell(order)
        return orders.put(order)

    def _reserve(self, request: OrderRequest) -> Order:
        reply = self._inventory.reserve(
            shop_pb2.ReserveRequest(
                order_id=request.order_id, customer_id=request.customer_id, items=wire_items(request.items)
            )
        )
        return Order(
            **dict(request),
            total_cents=reply.total_cents,
            status="created" if reply.reserved else "out_of_stock",
            reason=reply.reason,
        )

    def _charge(self, order: Order) -> Order:
        reply = self._payment.charge(
            shop_pb2.ChargeRequest(
                order_id=order.order_id, customer_id=order.customer_id, amount_cents=order.total_cents
            )
        )
        status = "paid" if reply.captured else "payment_failed"
        return order.model_copy(update={"status": status, "reason": reply.reason})

    def _tell(self, order: Order) -> None:
        paid = order.status == "paid"
        subject = f"Your order {order.order_id} is {'paid' if paid else 'not paid: ' + order.reason}"
        ids = {"order_id": order.order_id, "customer_id": order.customer_id}
        self._email.notify({**ids, "subject": subject})
        outcome = "PaymentCaptured" if paid else "PaymentFailed"
        self._analytics.notify({**ids, "type": outcome, "amount_cents": order.total_cents})


class EventFlow:
    """Creates an order by asking for its price and telling everybody that it is there."""

    def __init__(self, pricing: PricingClient, publisher: Publisher) -> None:
        self._pricing = pricing
        self._publisher = publisher

    def __call__(self, orders: Orders, request: OrderRequest) -> Order:
        """Create an order; when this returns, OrderCreated is in Kafka."""
        quote = self._pricing.quote(
            shop_pb2.QuoteRequest(
                order_id=request.order_id, customer_id=request.customer_id, items=wire_items(request.items)
            )
        )
        # Stored before it is published: the payment may be faster than the broker's acknowledgement.
        order = orders.put(Order(**dict(request), total_cents=quote.total_cents, status="created"))
        event = OrderCreated(**order.model_dump(include={"order_id", "customer_id", "items", "total_cents"}))
        try:
            self._publisher.publish(ORDERS, event)
        except PublishFailed:
            orders.remove(order.order_id)
            raise
        return order


def make_flow(chassis: Chassis) -> Callable[[Orders, OrderRequest], Order]:
    """The flow of the style that the settings name."""
    settings = chassis.settings

    def channel(address: str) -> grpc.Channel:
        return chassis.use(grpc_channel(address))

    def notified(peer: str, address: str, path: str) -> NotifiedClient:
        return NotifiedClient(peer, chassis.use(http_client(address, NOTIFY_TIMEOUT_S)), path)

    if settings.style == "hybrid":
        return EventFlow(PricingClient(channel(settings.pricing)), chassis.publisher)
    return SynchronousFlow(
        InventoryClient(channel(settings.inventory)),
        PaymentClient(channel(settings.payment)),
        notified("email", settings.email, "/emails"),
        notified("analytics", settings.analytics, "/events"),
    )


def build(chassis: Chassis) -> None:
    """Add what order does to its chassis."""
    orders = Orders()
    create_order = make_flow(chassis)

    @chassis.routes.post("/orders", status_code=201)
    def create(request: OrderRequest, response: Response) -> Order:
        if existing := orders.get(request.order_id):
            response.status_code = 200
            return existing
        return create_order(orders, request)

    @chassis.routes.get("/orders/{order_id}")
    def show(order_id: str) -> Order:
        if order := orders.get(order_id):
            return order
        raise HTTPException(404, f"There is no order {order_id}.")

    if chassis.settings.style == "hybrid":
        chassis.consume((PAYMENTS,), orders.react)


if __name__ == "__main__":
    run_service("order", build)
