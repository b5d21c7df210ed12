"""pricing: prices and discounts, over gRPC, with a stream of price changes.

It gets the customer's loyalty tier from user. In the monolith style, user is required. In the hybrid style,
user is optional and behind a circuit breaker: without a tier, there is no discount.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final, cast

import grpc
import httpx
from circuitbreaker import CircuitBreaker, CircuitBreakerError
from fastapi import HTTPException
from pydantic import BaseModel, Field

from laban_samples.catalogue import DISCOUNT, PRICES_CENTS, Tier
from laban_samples.errors import PeerFailed
from laban_samples.proto import shop_pb2, shop_pb2_grpc
from laban_samples.runtime.service import Service, run_service
from laban_samples.runtime.service_clients import (
    USER_OPTIONAL_TIMEOUT_S,
    USER_TIMEOUT_S,
    http_client,
    http_failure_reason,
)

STREAM_LIFETIME_S: Final = 20.0
"""Streams end after this time, so that subscribers reconnect and spread over all instances of the service."""
FAILURES_TO_OPEN: Final = 3
RECOVERY_S: Final = 10

log = logging.getLogger(__name__)


class PriceList:
    """The prices and the log of their changes."""

    def __init__(self, prices: Mapping[str, int]) -> None:
        self._changed = threading.Condition()
        self._log = list(prices.items())
        self._prices = dict(prices)
        self._closed = False

    def __contains__(self, sku: str) -> bool:
        return sku in self._prices

    def price(self, sku: str) -> int:
        """Return the current price in cents; raise KeyError for an unknown SKU."""
        return self._prices[sku]

    def change(self, sku: str, cents: int) -> None:
        """Change a price and notify the subscribers."""
        with self._changed:
            self._prices[sku] = cents
            self._log.append((sku, cents))
            self._changed.notify_all()

    def close(self) -> None:
        """End all subscriptions."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def changes(self, lifetime: float) -> Iterator[tuple[str, int]]:
        """Yield (sku, cents): first all prices, then each change for `lifetime` seconds."""
        ends = time.monotonic() + lifetime
        sent = 0
        while True:
            with self._changed:
                while len(self._log) == sent and not self._closed and time.monotonic() < ends:
                    self._changed.wait(ends - time.monotonic())
                updates = self._log[sent:]
            if not updates or self._closed:
                return
            sent += len(updates)
            yield from updates


class LoyaltyTierClient:
    """Gets the tier of a customer from user."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def tier(self, customer_id: str) -> Tier:
        """Return the tier; basic for an unknown customer.

        Raises:
            PeerFailed: user did not respond, or responded with an error.
        """
        try:
            response = self._client.get(f"/users/{customer_id}")
            if response.status_code == HTTPStatus.NOT_FOUND:
                return "basic"
            tier: Tier = response.raise_for_status().json()["tier"]
        except httpx.HTTPError as error:
            raise PeerFailed("user", http_failure_reason(error)) from error
        return tier


def with_circuit_breaker(lookup: Callable[[str], Tier]) -> Callable[[str], Tier]:
    """Wrap a lookup in a circuit breaker; return basic if the lookup fails."""
    breaker = CircuitBreaker(FAILURES_TO_OPEN, RECOVERY_S, PeerFailed, name="user")
    guarded = cast("Callable[[str], Tier]", breaker.decorate(lookup))

    def tier(customer_id: str) -> Tier:
        try:
            return guarded(customer_id)
        except (PeerFailed, CircuitBreakerError) as error:
            log.warning("no discount for %s: %s", customer_id, error)
            return "basic"

    return tier


class Servicer(shop_pb2_grpc.PricingServicer):
    """The gRPC servicer of pricing."""

    def __init__(self, prices: PriceList, tier: Callable[[str], Tier]) -> None:
        self._prices = prices
        self._tier = tier

    def Quote(  # noqa: N802 - the names in the proto, here and below
        self, request: shop_pb2.QuoteRequest, context: grpc.ServicerContext
    ) -> shop_pb2.QuoteReply:
        """Return the price of the items for this customer."""
        unknown = [item.sku for item in request.items if item.sku not in self._prices]
        if unknown:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"not sold here: {', '.join(unknown)}")
        full = sum(self._prices.price(item.sku) * item.quantity for item in request.items)
        try:
            discount = round(full * DISCOUNT[self._tier(request.customer_id)])
        except PeerFailed as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return shop_pb2.QuoteReply(total_cents=full - discount, discount_cents=discount)

    def PriceUpdates(  # noqa: N802
        self,
        request: shop_pb2.PriceUpdatesRequest,  # noqa: ARG002
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> Iterator[shop_pb2.PriceUpdate]:
        """Stream the price list, then its changes."""
        for sku, cents in self._prices.changes(STREAM_LIFETIME_S):
            yield shop_pb2.PriceUpdate(sku=sku, price_cents=cents)


class Price(BaseModel):
    """The price of one item."""

    price_cents: int = Field(ge=1)


def configure(service: Service) -> None:
    """Add the routes and the gRPC servicer of pricing."""
    prices = PriceList(PRICES_CENTS)
    user_is_required = service.settings.style == "monolith"
    timeout = USER_TIMEOUT_S if user_is_required else USER_OPTIONAL_TIMEOUT_S
    tiers = LoyaltyTierClient(service.manage(http_client(service.settings.user, timeout)))
    servicer = Servicer(prices, tiers.tier if user_is_required else with_circuit_breaker(tiers.tier))
    service.serve_grpc(lambda server: shop_pb2_grpc.add_PricingServicer_to_server(servicer, server))
    service.on_stop(prices.close)

    @service.routes.put("/prices/{sku}")
    def change(sku: str, price: Price) -> Price:
        if sku not in prices:
            raise HTTPException(404, f"{sku} is not sold here.")
        prices.change(sku, price.price_cents)
        return price


if __name__ == "__main__":
    run_service("pricing", configure)
