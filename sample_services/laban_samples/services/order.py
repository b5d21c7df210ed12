"""order: the public API of the shop. Its workflow depends on the style.

monolith: reserve, charge, email and count synchronously, while the customer waits.
hybrid: get the price, publish OrderCreated, and respond; the other services react to the event.
"""

import logging
import threading
from collections.abc import Callable
from typing import Annotated, Literal
from uuid import uuid4

import grpc
from fastapi import HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from laban_samples.errors import PublishFailed
from laban_samples.messaging.events import (
    ORDERS,
    PAYMENTS,
    Event,
    Item,
    OrderChanged,
    OrderCreated,
    PaymentCaptured,
    PaymentFailed,
)
from laban_samples.messaging.publisher import Publisher
from laban_samples.proto import shop_pb2
from laban_samples.runtime.service import Service, run_service
from laban_samples.runtime.service_clients import (
    NOTIFY_TIMEOUT_S,
    InventoryClient,
    NotificationClient,
    PaymentClient,
    PricingClient,
    grpc_channel,
    http_client,
    to_proto_items,
)

log = logging.getLogger(__name__)
OrderStatus = Literal["created", "paid", "payment_failed", "out_of_stock"]


class OrderRequest(BaseModel):
    """The request of a customer. With an order ID, a repeated request creates the order only once."""

    order_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = Field(
        default_factory=lambda: uuid4().hex[:12]
    )
    customer_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=50)]


class OrderChange(BaseModel):
    """What a customer can change of an order."""

    note: Annotated[str, Field(max_length=200)]


class Order(BaseModel):
    """An order with its status."""

    model_config = ConfigDict(frozen=True)

    order_id: str
    customer_id: str
    items: tuple[Item, ...]
    total_cents: int
    status: OrderStatus
    reason: str = ""
    note: str = ""


class OrderStore:
    """All orders by ID."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}

    def get(self, order_id: str) -> Order | None:
        """Return an order, or None if it is unknown."""
        with self._lock:
            return self._orders.get(order_id)

    def put(self, order: Order) -> Order:
        """Store a new or changed order."""
        with self._lock:
            self._orders[order.order_id] = order
        return order

    def change(self, order_id: str, note: str) -> Order | None:
        """Change the note of an order, and return the order; None if it is unknown."""
        with self._lock:
            order = self._orders.get(order_id)
            if order is not None:
                order = self._orders[order_id] = order.model_copy(update={"note": note})
            return order

    def remove(self, order_id: str) -> None:
        """Remove an order whose creation failed."""
        with self._lock:
            self._orders.pop(order_id, None)

    def handle_event(self, event: Event) -> None:
        """Update an order with the outcome of its payment."""
        with self._lock:
            order = self._orders.get(event.order_id)
            if order is None:
                log.warning("%s of unknown order %s", event.type, event.order_id)
                return
            match event:
                case PaymentCaptured():
                    change = {"status": "paid"}
                case PaymentFailed():
                    change = {"status": "payment_failed", "reason": event.reason}
                case OrderCreated() | OrderChanged():
                    return
            self._orders[event.order_id] = order.model_copy(update=change)


class SynchronousWorkflow:
    """Creates an order with synchronous calls to all services."""

    def __init__(
        self,
        inventory: InventoryClient,
        payment: PaymentClient,
        email: NotificationClient,
        analytics: NotificationClient,
    ) -> None:
        self._inventory = inventory
        self._payment = payment
        self._email = email
        self._analytics = analytics

    def __call__(self, orders: OrderStore, request: OrderRequest) -> Order:
        """Create an order; on return it is paid or declined."""
        order = self._reserve(request)
        if order.status == "created":
            order = self._charge(order)
            self._notify(order)
        return orders.put(order)

    def _reserve(self, request: OrderRequest) -> Order:
        reply = self._inventory.reserve(
            shop_pb2.ReserveRequest(
                order_id=request.order_id,
                customer_id=request.customer_id,
                items=to_proto_items(request.items),
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

    def _notify(self, order: Order) -> None:
        paid = order.status == "paid"
        subject = f"Your order {order.order_id} is {'paid' if paid else 'not paid: ' + order.reason}"
        ids = {"order_id": order.order_id, "customer_id": order.customer_id}
        self._email.notify({**ids, "subject": subject})
        outcome = "PaymentCaptured" if paid else "PaymentFailed"
        self._analytics.notify({**ids, "type": outcome, "amount_cents": order.total_cents})


class EventWorkflow:
    """Creates an order by getting its price and publishing an event."""

    def __init__(self, pricing: PricingClient, publisher: Publisher) -> None:
        self._pricing = pricing
        self._publisher = publisher

    def __call__(self, orders: OrderStore, request: OrderRequest) -> Order:
        """Create an order; on return, Kafka has acknowledged OrderCreated."""
        quote = self._pricing.quote(
            shop_pb2.QuoteRequest(
                order_id=request.order_id,
                customer_id=request.customer_id,
                items=to_proto_items(request.items),
            )
        )
        # Store the order first: its payment can finish before the broker acknowledges the event.
        order = orders.put(Order(**dict(request), total_cents=quote.total_cents, status="created"))
        event = OrderCreated(**order.model_dump(include={"order_id", "customer_id", "items", "total_cents"}))
        try:
            self._publisher.publish(ORDERS, event)
        except PublishFailed:
            orders.remove(order.order_id)
            raise
        return order


def create_workflow(service: Service) -> Callable[[OrderStore, OrderRequest], Order]:
    """Create the workflow for the configured style."""
    settings = service.settings

    def channel(address: str) -> grpc.Channel:
        return service.manage(grpc_channel(address))

    def notification_client(peer: str, address: str, path: str) -> NotificationClient:
        return NotificationClient(peer, service.manage(http_client(address, NOTIFY_TIMEOUT_S)), path)

    if settings.style == "hybrid":
        return EventWorkflow(PricingClient(channel(settings.pricing)), service.publisher)
    return SynchronousWorkflow(
        InventoryClient(channel(settings.inventory)),
        PaymentClient(channel(settings.payment)),
        notification_client("email", settings.email, "/emails"),
        notification_client("analytics", settings.analytics, "/events"),
    )


def configure(service: Service) -> None:
    """Add the routes and the event handler of order."""
    orders = OrderStore()
    create_order = create_workflow(service)

    @service.routes.post("/orders", status_code=201)
    def create(request: OrderRequest, response: Response) -> Order:
        if existing := orders.get(request.order_id):
            response.status_code = 200
            return existing
        return create_order(orders, request)

    @service.routes.get("/orders/{order_id}")
    def show(order_id: str) -> Order:
        if order := orders.get(order_id):
            return order
        raise HTTPException(404, f"Unknown order {order_id}.")

    @service.routes.put("/orders/{order_id}")
    def change(order_id: str, request: OrderChange) -> Order:
        order = orders.change(order_id, request.note)
        if order is None:
            raise HTTPException(404, f"Unknown order {order_id}.")
        if service.settings.style == "hybrid":
            event = OrderChanged(order_id=order_id, customer_id=order.customer_id, note=order.note)
            service.publisher.publish(ORDERS, event)
        return order

    if service.settings.style == "hybrid":
        service.consume((PAYMENTS,), orders.handle_event)


if __name__ == "__main__":
    run_service("order", configure)
