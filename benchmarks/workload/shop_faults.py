"""Which faults fit which services of the sample shop, and which cause their stories must name first.

The expectation follows from the fault and from who calls, consumes and publishes. It knows nothing of spans.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from laban_mapper.model import CauseKind
from laban_samples.addresses import SERVICES
from laban_samples.demo.consumer_catch_up import SUBSCRIPTIONS
from laban_samples.faults.parsing import FaultName, parse_fault
from laban_samples.runtime.service_clients import (
    CUSTOMER_TIMEOUT_S,
    INVENTORY_TIMEOUT_S,
    NOTIFY_TIMEOUT_S,
    PAYMENT_TIMEOUT_S,
    PRICING_TIMEOUT_S,
    USER_OPTIONAL_TIMEOUT_S,
    USER_TIMEOUT_S,
)
from laban_samples.runtime.settings import Style

STYLES: Final[tuple[Style, ...]] = ("monolith", "hybrid")
ENTRY: Final = "order"
"""The service that the customers call. They are not traced, so nobody can tell that one gave up."""
PUBLISHERS: Final = ("order", "payment")
"""Who publishes events in the hybrid style."""
TIMEOUTS: Final[dict[Style, dict[str, float]]] = {
    "monolith": {
        "order": CUSTOMER_TIMEOUT_S,
        "inventory": INVENTORY_TIMEOUT_S,
        "pricing": PRICING_TIMEOUT_S,
        "user": USER_TIMEOUT_S,
        "payment": PAYMENT_TIMEOUT_S,
        "email": NOTIFY_TIMEOUT_S,
        "analytics": NOTIFY_TIMEOUT_S,
    },
    "hybrid": {
        "order": CUSTOMER_TIMEOUT_S,
        "pricing": PRICING_TIMEOUT_S,
        "user": USER_OPTIONAL_TIMEOUT_S,
    },
}
"""By style, who is called, and after how many seconds its caller gives up. The others only consume events."""
FAULTS: Final = (
    "latency=1s",
    "latency=3.5s",
    "errors=1",
    "errors=0.5",
    "timeout",
    "crash",
    "stop-consumer",
    "poison=2",
    "duplicate=1",
    "out-of-order",
)


class Row(NamedTuple):
    """A fault of a service, and what the stories of the orders with this fault must name first.

    Attributes:
        kinds: any of them is right. An event that a consumer never finishes is stuck in its queue; until
            the group is known to stand still, it is only missing.
    """

    fault: str
    style: Style
    service: str
    kinds: tuple[CauseKind, ...]

    def __str__(self) -> str:
        return f"{self.style} {self.service}:{self.fault}"

    @property
    def name(self) -> FaultName:
        """The fault without its value."""
        return parse_fault(self.fault).name

    @property
    def is_called(self) -> bool:
        """Whether a caller waits for the service."""
        return self.service in TIMEOUTS[self.style]

    @property
    def blocks_consumer(self) -> bool:
        """Whether the consumer of the service stops with its first event."""
        blocking = (FaultName.TIMEOUT, FaultName.CRASH, FaultName.STOP_CONSUMER)
        return self.style == "hybrid" and self.service in SUBSCRIPTIONS and self.name in blocking


def all_rows() -> Iterator[Row]:
    """Every fault, in both styles, at each service that it fits."""
    for style in STYLES:
        for fault in FAULTS:
            for service in SERVICES:
                if kinds := _kinds(fault, style, service):
                    yield Row(fault, style, service, kinds)


def _kinds(text: str, style: Style, service: str) -> tuple[CauseKind, ...]:
    """What the fault must be told as; empty if it does not fit the service."""
    fault = parse_fault(text)
    timeout = TIMEOUTS[style].get(service)
    match fault.name:
        case FaultName.LATENCY:
            return ("slow",) if timeout is None or fault.value < timeout else ("timed_out",)
        case FaultName.ERRORS if fault.value == 1:
            return ("error",)
        case FaultName.TIMEOUT if service == ENTRY:
            return ("error",)  # its callers are not traced, and it fails when the fault ends
        case FaultName.TIMEOUT:
            return ("timed_out",) if timeout is not None else ("stuck", "missing")
        case FaultName.CRASH if service == ENTRY:
            return ()  # it takes its spans of the order with it: nothing knows the order
        case FaultName.CRASH:
            return ("unreachable",) if timeout is not None else ("stuck", "missing", "unreachable")
        case _:
            return _kinds_of_messages(fault.name, service) if style == "hybrid" else ()


def _kinds_of_messages(name: FaultName, service: str) -> tuple[CauseKind, ...]:
    """What a fault of messages must be told as, in the hybrid style."""
    consumes, publishes = service in SUBSCRIPTIONS, service in PUBLISHERS
    match name:
        case FaultName.ERRORS:  # each attempt fails with the ratio; the entry fails before it publishes
            return ("retried", "error") if consumes and service != ENTRY else ()
        case FaultName.STOP_CONSUMER:
            return ("stuck", "missing") if consumes else ()
        case FaultName.POISON:
            return ("poison",) if publishes else ()
        case FaultName.DUPLICATE:
            return ("published_twice",) if publishes else ()
        case FaultName.OUT_OF_ORDER:
            return ("out_of_order",) if service == ENTRY else ()  # payment has one event for each order
        case _:
            return ()
