"""How the services call each other: typed clients, a time-out on each call, one kind of error.

The time-outs are nested: who waits for somebody who waits gives up later than that one, so that the error
which arrives tells what really happened.
"""

from __future__ import annotations  # grpc's classes are generic in its type stubs only

from collections.abc import Iterable, Iterator
from typing import Final, Protocol, TypeVar

import grpc
import httpx

from laban_samples.errors import BadOrder, PeerFailed
from laban_samples.events import Item
from laban_samples.proto import shop_pb2, shop_pb2_grpc

USER_TIMEOUT_S: Final = 2.0
USER_OPTIONAL_TIMEOUT_S: Final = 0.5
"""Where the answer is only nice to have."""
PRICING_TIMEOUT_S: Final = 3.0
INVENTORY_TIMEOUT_S: Final = 4.0
PAYMENT_TIMEOUT_S: Final = 3.0
NOTIFY_TIMEOUT_S: Final = 2.0
SUBSCRIPTION_TIMEOUT_S: Final = 60.0
CUSTOMER_TIMEOUT_S: Final = 8.0
"""How long a customer waits for an order."""

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class Subscription(Protocol):
    """A stream of price updates under way."""

    def __iter__(self) -> Iterator[shop_pb2.PriceUpdate]: ...

    def cancel(self) -> object:
        """End it; whoever iterates gets a `grpc.RpcError`."""


def http_client(address: str, timeout: float) -> httpx.Client:
    """A client of a service at HOST:PORT; `timeout` is in seconds."""
    return httpx.Client(base_url=f"http://{address}", timeout=timeout)


def grpc_channel(address: str) -> grpc.Channel:
    """A channel to a service at HOST:PORT.

    It looks for a peer that is away every second; by default that may take two minutes.
    """
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1_000)]
    return grpc.insecure_channel(address, options)


def wire_items(items: Iterable[Item]) -> list[shop_pb2.Item]:
    """The items of an order as they stand in a gRPC message."""
    return [shop_pb2.Item(sku=item.sku, quantity=item.quantity) for item in items]


class InventoryClient:
    """Inventory over gRPC."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = shop_pb2_grpc.InventoryStub(channel)

    def reserve(self, request: shop_pb2.ReserveRequest) -> shop_pb2.ReserveReply:
        """Set the items of an order aside.

        Raises:
            PeerFailed, BadOrder
        """
        return _call("inventory", self._stub.Reserve, request, INVENTORY_TIMEOUT_S)


class PricingClient:
    """Pricing over gRPC."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = shop_pb2_grpc.PricingStub(channel)

    def quote(self, request: shop_pb2.QuoteRequest) -> shop_pb2.QuoteReply:
        """What the items cost this customer.

        Raises:
            PeerFailed, BadOrder
        """
        return _call("pricing", self._stub.Quote, request, PRICING_TIMEOUT_S)

    def price_updates(self) -> Subscription:
        """The price list, then its changes; iterating raises `grpc.RpcError`."""
        return self._stub.PriceUpdates(
            shop_pb2.PriceUpdatesRequest(), timeout=SUBSCRIPTION_TIMEOUT_S, wait_for_ready=True
        )


class PaymentClient:
    """Payment over gRPC."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = shop_pb2_grpc.PaymentStub(channel)

    def charge(self, request: shop_pb2.ChargeRequest) -> shop_pb2.ChargeReply:
        """Charge an order; a declined charge is an answer.

        Raises:
            PeerFailed
        """
        return _call("payment", self._stub.Charge, request, PAYMENT_TIMEOUT_S)


class NotifiedClient:
    """A service that is told something over REST and answers nothing of interest: email, analytics."""

    def __init__(self, peer: str, client: httpx.Client, path: str) -> None:
        self._peer = peer
        self._client = client
        self._path = path

    def notify(self, body: dict[str, object]) -> None:
        """Tell it.

        Raises:
            PeerFailed
        """
        try:
            self._client.post(self._path, json=body).raise_for_status()
        except httpx.HTTPError as error:
            raise PeerFailed(self._peer, http_reason(error)) from error


def http_reason(error: httpx.HTTPError) -> str:
    """Why an HTTP call failed, in words for the caller's caller."""
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    if isinstance(error, httpx.HTTPStatusError):
        return f"answered {error.response.status_code}"
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
    """The code of a failed gRPC call, and what it says."""
    if isinstance(error, grpc.Call):
        return error.code(), error.details() or error.code().name
    return grpc.StatusCode.UNKNOWN, str(error)
