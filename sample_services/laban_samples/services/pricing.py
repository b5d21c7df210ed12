"""pricing: what things cost, and for whom. gRPC, with a stream of price changes.

It asks user for the loyalty tier. In the monolith style it cannot do without; in the hybrid one user is
optional, behind a circuit breaker: no tier, no discount.
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
from laban_samples.chassis import Chassis, run_service
from laban_samples.errors import PeerFailed
from laban_samples.peers import USER_OPTIONAL_TIMEOUT_S, USER_TIMEOUT_S, http_client, http_reason
from laban_samples.proto import shop_pb2, shop_pb2_grpc

STREAM_LIFETIME_S: Final = 20.0
"""After that a subscriber subscribes anew, so that it spreads over the instances of a scaled service."""
FAILURES_TO_OPEN: Final = 3
RECOVERY_S: Final = 10

log = logging.getLogger(__name__)


class PriceList:
    """The prices, and everything that ever changed in them."""

    def __init__(self, prices: Mapping[str, int]) -> None:
        self._changed = threading.Condition()
        self._log = list(prices.items())
        self._prices = dict(prices)
        self._closed = False

    def __contains__(self, sku: str) -> bool:
        return sku in self._prices

    def price(self, sku: str) -> int:
        """The present price in cents; KeyError for what is not sold."""
        return self._prices[sku]

    def change(self, sku: str, cents: int) -> None:
        """Change a price, and tell the subscribers."""
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
        """(sku, cents): the whole list first, then each change for `lifetime` seconds."""
        ends = time.monotonic() + lifetime
        known = 0
        while True:
            with self._changed:
                while len(self._log) == known and not self._closed and time.monotonic() < ends:
                    self._changed.wait(ends - time.monotonic())
                news = self._log[known:]
            if not news or self._closed:
                return
            known += len(news)
            yield from news


class LoyaltyTiers:
    """Asks user for the tier of a customer."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def tier(self, customer_id: str) -> Tier:
        """The tier; basic for a customer whom user does not know.

        Raises:
            PeerFailed: user did not answer, or answered with an error.
        """
        try:
            answer = self._client.get(f"/users/{customer_id}")
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return "basic"
            tier: Tier = answer.raise_for_status().json()["tier"]
        except httpx.HTTPError as error:
            raise PeerFailed("user", http_reason(error)) from error
        return tier


def optional(lookup: Callable[[str], Tier]) -> Callable[[str], Tier]:
    """The same lookup behind a circuit breaker: it answers basic when it cannot be made."""
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
    """Pricing over gRPC."""

    def __init__(self, prices: PriceList, tier: Callable[[str], Tier]) -> None:
        self._prices = prices
        self._tier = tier

    def Quote(  # noqa: N802 - the name and the arguments stand in the proto, here and below
        self, request: shop_pb2.QuoteRequest, context: grpc.ServicerContext
    ) -> shop_pb2.QuoteReply:
        """What the items cost this customer."""
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
        """The price list, then its changes."""
        for sku, cents in self._prices.changes(STREAM_LIFETIME_S):
            yield shop_pb2.PriceUpdate(sku=sku, price_cents=cents)


class Price(BaseModel):
    """What one piece costs."""

    price_cents: int = Field(ge=1)


def build(chassis: Chassis) -> None:
    """Add what pricing does to its chassis."""
    prices = PriceList(PRICES_CENTS)
    mandatory = chassis.settings.style == "monolith"
    timeout = USER_TIMEOUT_S if mandatory else USER_OPTIONAL_TIMEOUT_S
    tiers = LoyaltyTiers(chassis.use(http_client(chassis.settings.user, timeout)))
    servicer = Servicer(prices, tiers.tier if mandatory else optional(tiers.tier))
    chassis.serve_grpc(lambda server: shop_pb2_grpc.add_PricingServicer_to_server(servicer, server))
    chassis.on_stop(prices.close)

    @chassis.routes.put("/prices/{sku}")
    def change(sku: str, price: Price) -> Price:
        if sku not in prices:
            raise HTTPException(404, f"{sku} is not sold here.")
        prices.change(sku, price.price_cents)
        return price


if __name__ == "__main__":
    run_service("pricing", build)
