"""inventory: reserves stock. Input: gRPC in the monolith style, OrderCreated events in the hybrid style.

It subscribes to the price changes of pricing, to compute the value of reserved items.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Final

import grpc

from laban_samples.catalogue import PRICES_CENTS, STOCK
from laban_samples.errors import BadOrder, PeerFailed
from laban_samples.messaging.events import ORDERS, Event, OrderCreated
from laban_samples.proto import shop_pb2, shop_pb2_grpc
from laban_samples.runtime.service import Service, run_service
from laban_samples.runtime.service_clients import PriceSubscription, PricingClient, grpc_channel, grpc_status

RESUBSCRIBE_S: Final = 1.0
STOP_GRACE_S: Final = 0.5
log = logging.getLogger(__name__)


class Stock:
    """The available quantity of each SKU; repeated reservations of an order have no effect."""

    def __init__(self, pieces: Mapping[str, int]) -> None:
        self._lock = threading.Lock()
        self._pieces = dict(pieces)
        self._reserved: set[str] = set()

    def available(self, sku: str) -> int:
        """Return the quantity that is not reserved."""
        with self._lock:
            return self._pieces.get(sku, 0)

    def reserve(self, order_id: str, items: Sequence[tuple[str, int]]) -> str:
        """Reserve (sku, quantity) for an order; return the reason for a failure, or an empty string."""
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


class PriceCache:
    """The newest prices from pricing, updated by a thread.

    The prices can be stale: while pricing is unavailable, they do not change.

    Attributes:
        loaded: set when the first price has arrived.
    """

    def __init__(self, pricing: PricingClient) -> None:
        self._pricing = pricing
        self._prices: dict[str, int] = {}
        self.loaded = threading.Event()
        self._stopping = threading.Event()
        self._call: PriceSubscription | None = None
        self._thread = threading.Thread(target=self._run, name="price-cache", daemon=True)

    def start(self) -> None:
        """Start the subscription."""
        self._thread.start()

    def stop(self) -> None:
        """End the subscription.

        If the whole shop stops, pricing ends the stream. A cancelled call would look like a failure in the
        trace.
        """
        self._stopping.set()
        self._thread.join(timeout=STOP_GRACE_S)
        if self._call is not None:
            self._call.cancel()
        self._thread.join(timeout=5)

    def value_of(self, items: Sequence[tuple[str, int]]) -> int:
        """Return the value of (sku, quantity) in cents; unknown prices count as 0."""
        return sum(self._prices.get(sku, 0) * quantity for sku, quantity in items)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._call = call = self._pricing.price_updates()
                for update in call:
                    self._prices[update.sku] = update.price_cents
                    self.loaded.set()
            except grpc.RpcError as error:
                if not self._stopping.is_set():
                    log.warning("price updates interrupted, subscribing again: %s", grpc_status(error))
            self._stopping.wait(RESUBSCRIBE_S)


class Servicer(shop_pb2_grpc.InventoryServicer):
    """The gRPC servicer of inventory."""

    def __init__(self, stock: Stock, pricing: PricingClient) -> None:
        self._stock = stock
        self._pricing = pricing

    def Reserve(  # noqa: N802 - the name in the proto
        self, request: shop_pb2.ReserveRequest, context: grpc.ServicerContext
    ) -> shop_pb2.ReserveReply:
        """Get the price of the order from pricing, then reserve its items."""
        quote_request = shop_pb2.QuoteRequest(
            order_id=request.order_id, customer_id=request.customer_id, items=request.items
        )
        try:
            quote = self._pricing.quote(quote_request)
        except BadOrder as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except PeerFailed as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        short = self._stock.reserve(request.order_id, [(item.sku, item.quantity) for item in request.items])
        return shop_pb2.ReserveReply(reserved=not short, reason=short, total_cents=quote.total_cents)


def handle_event(stock: Stock, price_cache: PriceCache, event: Event) -> None:
    """Reserve the items of a new order; missing items are only logged."""
    if isinstance(event, OrderCreated):
        items = [(item.sku, item.quantity) for item in event.items]
        short = stock.reserve(event.order_id, items)
        outcome = short or f"reserved, value {price_cache.value_of(items) / 100:.2f}"
        log.info("order %s: %s", event.order_id, outcome)


def configure(service: Service) -> None:
    """Add the routes, the gRPC servicer and the event handler of inventory."""
    pricing = PricingClient(service.manage(grpc_channel(service.settings.pricing)))
    stock = Stock(dict.fromkeys(PRICES_CENTS, STOCK))
    price_cache = PriceCache(pricing)
    servicer = Servicer(stock, pricing)
    service.serve_grpc(lambda server: shop_pb2_grpc.add_InventoryServicer_to_server(servicer, server))
    price_cache.start()
    service.ready_when("prices", price_cache.loaded)
    service.on_stop(price_cache.stop)
    if service.settings.style == "hybrid":
        service.consume((ORDERS,), lambda event: handle_event(stock, price_cache, event))


if __name__ == "__main__":
    run_service("inventory", configure)
