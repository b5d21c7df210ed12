"""Typed clients for calls between services: each call has a timeout, and each failure is a PeerFailed.

The timeouts are nested: a caller times out later than its callees, so that the error that reaches the caller
names the real cause.
"""

from __future__ import annotations  # grpc's classes are generic in its type stubs only

from collections.abc import Iterable, Iterator
from typing import Final, Protocol, TypeVar

import grpc
import httpx

from laban_samples.errors import BadOrder, PeerFailed
from laban_samples.messaging.events import Item
from laban_samples.proto import shop_pb2, shop_pb2_grpc

USER_TIMEOUT_S: Final = 2.0
USER_OPTIONAL_TIMEOUT_S: Final = 0.5
"""The timeout if the response is optional."""
PRICING_TIMEOUT_S: Final = 3.0
INVENTORY_TIMEOUT_S: Final = 4.0
PAYMENT_TIMEOUT_S: Final = 3.0
NOTIFY_TIMEOUT_S: Final = 2.0
SUBSCRIPTION_TIMEOUT_S: Final = 60.0
CUSTOMER_TIMEOUT_S: Final = 8.0
"""The time that a customer waits for an order."""

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class PriceSubscription(Protocol):
    """An active stream of price updates."""

    def __iter__(self) -> Iterator[shop_pb2.PriceUpdate]: ...

    def cancel(self) -> object:
        """End the stream; the iteration raises `grpc.RpcError`."""


def http_client(address: str, timeout: float) -> httpx.Client:
    """Create an HTTP client for HOST:PORT; `timeout` is in seconds."""
    return httpx.Client(base_url=f"http://{address}", timeout=timeout)


def grpc_channel(address: str) -> grpc.Channel:
    """Create a gRPC channel to HOST:PORT.

    It reconnects within a second. By default, a reconnect can take two minutes.
    """
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1_000)]
    return grpc.insecure_channel(address, options)


def to_proto_items(items: Iterable[Item]) -> list[shop_pb2.Item]:
    """Convert the items of an order to their gRPC messages."""
    return [shop_pb2.Item(sku=item.sku, quantity=item.quantity) for item in items]


class InventoryClient:
    """The gRPC client of inventory."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = shop_pb2_grpc.InventoryStub(channel)

    def reserve(self, request: shop_pb2.ReserveRequest) -> shop_pb2.ReserveReply:
        """Reserve the items of an order.

        Raises:
            PeerFailed, BadOrder
        """
        return _call("inventory", self._stub.Reserve, request, INVENTORY_TIMEOUT_S)


class PricingClient:
    """The gRPC client of pricing."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = shop_pb2_grpc.PricingStub(channel)

    def quote(self, request: shop_pb2.QuoteRequest) -> shop_pb2.QuoteReply:
        """Return the price of the items for this customer.

        Raises:
            PeerFailed, BadOrder
        """
        return _call("pricing", self._stub.Quote, request, PRICING_TIMEOUT_S)

    def price_updates(self) -> PriceSubscription:
        """Subscribe to the price list and its changes; the iteration can raise `grpc.RpcError`."""
        return self._stub.PriceUpdates(
            shop_pb2.PriceUpdatesRequest(), timeout=SUBSCRIPTION_TIMEOUT_S, wait_for_ready=True
        )


class PaymentClient:
    """The gRPC client of payment."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = shop_pb2_grpc.PaymentStub(channel)

    def charge(self, request: shop_pb2.ChargeRequest) -> shop_pb2.ChargeReply:
        """Charge an order; a declined charge is a reply, not an error.

        Raises:
            PeerFailed
        """
        return _call("payment", self._stub.Charge, request, PAYMENT_TIMEOUT_S)


class NotificationClient:
    """The REST client of a service that only receives notifications: email, analytics."""

    def __init__(self, peer: str, client: httpx.Client, path: str) -> None:
        self._peer = peer
        self._client = client
        self._path = path

    def notify(self, body: dict[str, object]) -> None:
        """Send a notification.

        Raises:
            PeerFailed
        """
        try:
            self._client.post(self._path, json=body).raise_for_status()
        except httpx.HTTPError as error:
            raise PeerFailed(self._peer, http_failure_reason(error)) from error


def http_failure_reason(error: httpx.HTTPError) -> str:
    """Describe why an HTTP call failed, for the error message."""
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    if isinstance(error, httpx.HTTPStatusError):
        return f"responded with {error.response.status_code}"
    return f"could not be reached ({type(error).__name__})"


def _call(
    peer: str, method: grpc.UnaryUnaryMultiCallable[Request, Reply], request: Request, timeout: float
) -> Reply:
    try:
        return method(request, timeout=timeout)
    except grpc.RpcError as error:
        code, details = grpc_status(error)
        if code is grpc.StatusCode.INVALID_ARGUMENT:
            raise BadOrder(details) from error
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            details = "did not answer in time"
        raise PeerFailed(peer, details) from error


def grpc_status(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    """Return the status code and the details of a failed gRPC call."""
    if isinstance(error, grpc.Call):
        return error.code(), error.details() or error.code().name
    return grpc.StatusCode.UNKNOWN, str(error)
