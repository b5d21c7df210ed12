"""inventory: keeps the stock. By gRPC in the monolith style, by reacting to OrderCreated in the hybrid one.

It subscribes to pricing's stream of price changes, to know what the reserved goods are worth.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Final

import grpc

from laban_samples.catalogue import PRICES_CENTS, STOCK
from laban_samples.chassis import Chassis, run_service
from laban_samples.errors import BadOrder, PeerFailed
from laban_samples.events import ORDERS, Event, OrderCreated
from laban_samples.peers import PricingClient, Subscription, grpc_channel, grpc_status
from laban_samples.proto import shop_pb2, shop_pb2_grpc

RESUBSCRIBE_S: Final = 1.0
END_GRACE_S: Final = 0.5
log = logging.getLogger(__name__)


class Stock:
    """How many pieces there are of each SKU; an order is reserved once, however often it is asked for."""

    def __init__(self, pieces: Mapping[str, int]) -> None:
        self._lock = threading.Lock()
        self._pieces = dict(pieces)
        self._reserved: set[str] = set()

    def left(self, sku: str) -> int:
        """How many pieces are not reserved."""
        with self._lock:
            return self._pieces.get(sku, 0)

    def reserve(self, order_id: str, items: Sequence[tuple[str, int]]) -> str:
        """Set (sku, quantity) aside for an order: what is short, empty when all was there."""
        with self._lock:
            if order_id in self._reserved:
                return ""
            short = [sku for sku, quantity in items if self._pieces.get(sku, 0) < quantity]
            if short:
                return f"out of stock: {', '.join(short)}"
            for sku, quantity in items:
                self._pieces[sku] -= quantity
            self._reserved.add(order_id)
            return ""


class PriceHints:
    """The newest prices that pricing has told, kept up to date by a thread.

    They are hints: while pricing is away they stay as they were.

    Attributes:
        known: set once the first prices have come.
    """

    def __init__(self, pricing: PricingClient) -> None:
        self._pricing = pricing
        self._prices: dict[str, int] = {}
        self.known = threading.Event()
        self._stopping = threading.Event()
        self._call: Subscription | None = None
        self._thread = threading.Thread(target=self._run, name="price-hints", daemon=True)

    def start(self) -> None:
        """Subscribe."""
        self._thread.start()

    def stop(self) -> None:
        """End the subscription.

        When the whole shop stops, pricing ends it by itself; a call that is cancelled looks like a failure.
        """
        self._stopping.set()
        self._thread.join(timeout=END_GRACE_S)
        if self._call is not None:
            self._call.cancel()
        self._thread.join(timeout=5)

    def worth(self, items: Sequence[tuple[str, int]]) -> int:
        """What (sku, quantity) cost, in cents, as far as the prices are known."""
        return sum(self._prices.get(sku, 0) * quantity for sku, quantity in items)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._call = call = self._pricing.price_updates()
                for update in call:
                    self._prices[update.sku] = update.price_cents
                    self.known.set()
            except grpc.RpcError as error:
                if not self._stopping.is_set():
                    log.warning("lost the price updates, subscribing again: %s", grpc_status(error))
            self._stopping.wait(RESUBSCRIBE_S)


class Servicer(shop_pb2_grpc.InventoryServicer):
    """Inventory over gRPC."""

    def __init__(self, stock: Stock, pricing: PricingClient) -> None:
        self._stock = stock
        self._pricing = pricing

    def Reserve(  # noqa: N802 - the name stands in the proto
        self, request: shop_pb2.ReserveRequest, context: grpc.ServicerContext
    ) -> shop_pb2.ReserveReply:
        """Ask pricing what the order costs, then set its items aside."""
        question = shop_pb2.QuoteRequest(
            order_id=request.order_id, customer_id=request.customer_id, items=request.items
        )
        try:
            quote = self._pricing.quote(question)
        except BadOrder as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except PeerFailed as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        short = self._stock.reserve(request.order_id, [(item.sku, item.quantity) for item in request.items])
        return shop_pb2.ReserveReply(reserved=not short, reason=short, total_cents=quote.total_cents)


def react_with(stock: Stock, hints: PriceHints, event: Event) -> None:
    """Reserve the items of a new order; what is short is ordered again by a person."""
    if isinstance(event, OrderCreated):
        items = [(item.sku, item.quantity) for item in event.items]
        short = stock.reserve(event.order_id, items)
        outcome = short or f"reserved, worth {hints.worth(items) / 100:.2f}"
        log.info("order %s: %s", event.order_id, outcome)


def build(chassis: Chassis) -> None:
    """Add what inventory does to its chassis."""
    pricing = PricingClient(chassis.use(grpc_channel(chassis.settings.pricing)))
    stock = Stock(dict.fromkeys(PRICES_CENTS, STOCK))
    hints = PriceHints(pricing)
    servicer = Servicer(stock, pricing)
    chassis.serve_grpc(lambda server: shop_pb2_grpc.add_InventoryServicer_to_server(servicer, server))
    hints.start()
    chassis.ready_when("prices", hints.known)
    chassis.on_stop(hints.stop)
    if chassis.settings.style == "hybrid":
        chassis.consume((ORDERS,), lambda event: react_with(stock, hints, event))


if __name__ == "__main__":
    run_service("inventory", build)
