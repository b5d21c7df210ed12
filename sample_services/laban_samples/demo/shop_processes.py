"""Starts all services of the shop under `laban run`, and waits until they are ready."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import httpx

from laban_samples.addresses import GRPC_PORTS, HTTP_PORTS, SERVICES
from laban_samples.faults.active_faults import CRASH_STATUS
from laban_samples.faults.parsing import FaultName, ServiceFault, format_faults
from laban_samples.processes.ports import PortAllocator
from laban_samples.processes.supervisor import ProcessSupervisor
from laban_samples.runtime.settings import Style

READY_TIMEOUT_S: Final = 60.0
BUSINESS_KEY_RULES: Final = (
    "order.id=json:order_id|route:order_id|kafka.key:*orders*|kafka.key:*payments*,"
    "customer.id=json:customer_id|route:customer_id"
)
"""The extraction rules for the business keys of the shop's spans (LABAN_KEYS)."""


@dataclass(frozen=True, slots=True)
class ServicePorts:
    """The loopback ports of the services."""

    http: Mapping[str, int]
    grpc: Mapping[str, int]

    @classmethod
    def free(cls) -> "ServicePorts":
        """Allocate free ports."""
        return cls.allocate(PortAllocator(prefer_defaults=False))

    @classmethod
    def allocate(cls, ports: PortAllocator) -> "ServicePorts":
        """Allocate the HTTP and gRPC ports of all services."""
        return cls(
            {name: ports.allocate(f"{name} (HTTP)", port) for name, port in HTTP_PORTS.items()},
            {name: ports.allocate(f"{name} (gRPC)", port) for name, port in GRPC_PORTS.items()},
        )

    def url(self, service: str) -> str:
        """Return the URL of a service's REST API."""
        return f"http://127.0.0.1:{self.http[service]}"


@dataclass(frozen=True, slots=True)
class ShopOptions:
    """The options of the shop.

    Attributes:
        kafka: HOST:PORT of the bootstrap broker.
        kafka_environment: the LABAN_KAFKA_* variables with its security.
        style: monolith or hybrid.
        otlp: the collector's OTLP/HTTP URL; None runs the services without tracing.
        faults: the initial faults.
        topic_prefix: the prefix of every topic name.
        group_prefix: the prefix of every consumer group name.
        seed: the seed of the generators that select the requests to which faults apply.
        service_ports: the ports of the services.
    """

    kafka: str
    style: Style = "hybrid"
    otlp: str | None = None
    faults: tuple[ServiceFault, ...] = ()
    topic_prefix: str = ""
    group_prefix: str = ""
    seed: int = 0
    service_ports: ServicePorts = field(default_factory=ServicePorts.free)
    kafka_environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def start_shop(supervisor: ProcessSupervisor, options: ShopOptions, stage: int = 0) -> None:
    """Start all services, and wait until they are ready.

    Raises:
        ProcessFailed: a service ended, or was not ready in time.
    """
    start_services(supervisor, options, SERVICES, stage)


def start_services(
    supervisor: ProcessSupervisor, options: ShopOptions, services: Sequence[str], stage: int = 0
) -> None:
    """Start some services, and wait until they are ready.

    Raises:
        ProcessFailed: a service ended, or was not ready in time.
    """
    crashing = {fault.service for fault in options.faults if fault.fault.name is FaultName.CRASH}
    for service in services:
        command, environment = _command(service, options), _environment(service, options)
        wanted_status = CRASH_STATUS if service in crashing else None
        supervisor.start(service, command, stage, environment, wanted_status=wanted_status)
    with httpx.Client(timeout=2) as client:
        for service in services:
            ready = partial(_is_ready, client, f"{options.service_ports.url(service)}/healthz")
            supervisor.wait_until(ready, READY_TIMEOUT_S, f"{service} is not ready")


def _command(service: str, options: ShopOptions) -> list[str]:
    command = [sys.executable, "-m", f"laban_samples.services.{service}"]
    if options.otlp is None:
        return command
    return [sys.executable, "-m", "laban", "run", "--service", service, "--", *command]


def _environment(service: str, options: ShopOptions) -> dict[str, str]:
    ports = options.service_ports
    peers = {name: ports.grpc.get(name, ports.http[name]) for name in SERVICES if name != "order"}
    environment = {
        **options.kafka_environment,
        "SHOP_STYLE": options.style,
        "SHOP_KAFKA": options.kafka,
        "SHOP_TOPIC_PREFIX": options.topic_prefix,
        "SHOP_GROUP_PREFIX": options.group_prefix,
        "SHOP_HTTP": f"127.0.0.1:{ports.http[service]}",
        "SHOP_FAULTS": format_faults(fault.fault for fault in options.faults if fault.service == service),
        "SHOP_SEED": str(options.seed),
        **{f"SHOP_{name.upper()}": f"127.0.0.1:{port}" for name, port in peers.items()},
    }
    if service in ports.grpc:
        environment["SHOP_GRPC"] = f"127.0.0.1:{ports.grpc[service]}"
    if options.otlp is not None:
        environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": options.otlp, "LABAN_KEYS": BUSINESS_KEY_RULES}
    return environment


def _is_ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK.value
    except httpx.TransportError:
        return False  # not listening yet
