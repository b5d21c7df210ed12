"""Starts all services of the shop, each traced by `laban run`, and waits until they are ready."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import httpx

from laban_samples.addresses import GRPC_PORTS, HTTP_PORTS, SERVICES, Ports
from laban_samples.faults import ServiceFault, spell
from laban_samples.processes import Parts
from laban_samples.settings import Style

READY_TIMEOUT_S: Final = 60.0
KEYS: Final = (
    "order.id=json:order_id|route:order_id|kafka.key:*orders*|kafka.key:*payments*,"
    "customer.id=json:customer_id|route:customer_id"
)
"""The rules by which the spans of the shop get their business keys (LABAN_KEYS)."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The loopback ports of the services."""

    http: Mapping[str, int]
    grpc: Mapping[str, int]

    @classmethod
    def free(cls) -> "Addresses":
        """Ports that nobody uses."""
        return cls.taken_from(Ports(usual=False))

    @classmethod
    def taken_from(cls, ports: Ports) -> "Addresses":
        """One port for each edge of each service."""
        return cls(
            {name: ports.take(f"{name} (HTTP)", port) for name, port in HTTP_PORTS.items()},
            {name: ports.take(f"{name} (gRPC)", port) for name, port in GRPC_PORTS.items()},
        )

    def url(self, service: str) -> str:
        """Where a service answers REST."""
        return f"http://127.0.0.1:{self.http[service]}"


@dataclass(frozen=True, slots=True)
class ShopOptions:
    """How to run the shop.

    Attributes:
        kafka: HOST:PORT of a broker.
        style: monolith or hybrid.
        otlp: URL of the collector's OTLP/HTTP; None: the services run without tracing.
        faults: those to start with.
        topic_prefix: stands before every topic name.
        group_prefix: stands before every consumer group name.
        seed: of the generators that draw whom the faults hit.
        addresses: where the services listen.
    """

    kafka: str
    style: Style = "hybrid"
    otlp: str | None = None
    faults: tuple[ServiceFault, ...] = ()
    topic_prefix: str = ""
    group_prefix: str = ""
    seed: int = 0
    addresses: Addresses = field(default_factory=Addresses.free)


def start_shop(parts: Parts, options: ShopOptions, stage: int = 0) -> None:
    """Start all services; they are ready when this returns.

    Raises:
        PartFailed: one ended, or was not ready in time.
    """
    for service in SERVICES:
        parts.start(service, _command(service, options), stage, _environment(service, options))
    with httpx.Client(timeout=2) as client:
        for service in SERVICES:
            ready = partial(_is_ready, client, f"{options.addresses.url(service)}/healthz")
            parts.wait_until(ready, READY_TIMEOUT_S, f"{service} is not ready")


def _command(service: str, options: ShopOptions) -> list[str]:
    plain = [sys.executable, "-m", f"laban_samples.services.{service}"]
    if options.otlp is None:
        return plain
    return [sys.executable, "-m", "laban", "run", "--service", service, "--", *plain]


def _environment(service: str, options: ShopOptions) -> dict[str, str]:
    addresses = options.addresses
    peers = {name: addresses.grpc.get(name, addresses.http[name]) for name in SERVICES if name != "order"}
    environment = {
        "SHOP_STYLE": options.style,
        "SHOP_KAFKA": options.kafka,
        "SHOP_TOPIC_PREFIX": options.topic_prefix,
        "SHOP_GROUP_PREFIX": options.group_prefix,
        "SHOP_HTTP": f"127.0.0.1:{addresses.http[service]}",
        "SHOP_FAULTS": spell(fault.fault for fault in options.faults if fault.service == service),
        "SHOP_SEED": str(options.seed),
        **{f"SHOP_{name.upper()}": f"127.0.0.1:{port}" for name, port in peers.items()},
    }
    if service in addresses.grpc:
        environment["SHOP_GRPC"] = f"127.0.0.1:{addresses.grpc[service]}"
    if options.otlp is not None:
        environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": options.otlp, "LABAN_KEYS": KEYS}
    return environment


def _is_ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK.value
    except httpx.TransportError:
        return False  # it does not listen yet
