"""The faults of a service, and their text format.

- `latency=3s` or `latency=250ms`: every request and event takes this much longer.
- `errors=0.3`: this ratio of requests and events fails.
- `timeout`: requests get no response.
- `crash`: the process exits at the next request or event.
- `stop-consumer`: the consumer reads no records; the service keeps running.
- `poison=2`: this many of the next events are published with an additional undecodable copy.
- `duplicate=0.2`: this ratio of events is published twice.
- `out-of-order`: adjacent events are published in reverse order: OrderChanged, then OrderCreated.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from laban_samples.addresses import SERVICES
from laban_samples.errors import BadFault


class FaultName(StrEnum):
    """The kinds of faults."""

    LATENCY = "latency"
    ERRORS = "errors"
    TIMEOUT = "timeout"
    CRASH = "crash"
    STOP_CONSUMER = "stop-consumer"
    POISON = "poison"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out-of-order"


ACCEPTED: Final = (
    "latency=3s, latency=250ms, errors=0.3, timeout, crash, stop-consumer, poison=2, "
    "duplicate=0.2, out-of-order"
)
_RATIOS: Final = {FaultName.ERRORS, FaultName.DUPLICATE}
_WITHOUT_VALUE: Final = {FaultName.TIMEOUT, FaultName.CRASH, FaultName.STOP_CONSUMER, FaultName.OUT_OF_ORDER}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        name: the kind of fault.
        value: seconds of latency, a ratio from 0 to 1, or a number of events; 0 for faults without a value.
    """

    name: FaultName
    value: float = 0.0

    def __str__(self) -> str:
        if self.name in _WITHOUT_VALUE:
            return str(self.name)
        return f"{self.name}={self.value:g}{'s' if self.name is FaultName.LATENCY else ''}"


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """A fault of one service."""

    service: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.service}:{self.fault}"


def parse_service_fault(text: str) -> ServiceFault:
    """Parse `SERVICE:NAME[=VALUE]`.

    Raises:
        BadFault: the text is invalid; the error lists the accepted faults.
    """
    service, colon, fault = text.partition(":")
    if not colon:
        raise BadFault(f"Fault {text!r} has no service: write SERVICE:FAULT, for example user:latency=3s.")
    if service not in SERVICES:
        raise BadFault(f"Fault {text!r}: unknown service {service!r}. Services: {', '.join(SERVICES)}.")
    return ServiceFault(service, parse_fault(fault))


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Parse comma-separated faults; empty text means no faults.

    Raises:
        BadFault: the text is invalid; the error lists the accepted faults.
    """
    return tuple(parse_fault(part) for part in text.split(",") if part.strip())


def parse_fault(text: str) -> Fault:
    """Parse `NAME[=VALUE]`.

    Raises:
        BadFault: the text is invalid; the error lists the accepted faults.
    """
    word, equals, value = text.strip().partition("=")
    try:
        name = FaultName(word)
    except ValueError:
        raise BadFault(f"Unknown fault {word!r}. Accepted: {ACCEPTED}.") from None
    if name in _WITHOUT_VALUE:
        if equals:
            raise BadFault(f"Fault {text!r}: {name} takes no value. Accepted: {ACCEPTED}.")
        return Fault(name)
    return Fault(name, _value(name, value, text))


def _value(name: FaultName, value: str, text: str) -> float:
    try:
        number = _seconds(value) if name is FaultName.LATENCY else float(value)
    except ValueError:
        raise BadFault(
            f"Fault {text!r}: {value!r} is not a valid value for {name}. Accepted: {ACCEPTED}."
        ) from None
    if name in _RATIOS and not 0 <= number <= 1:
        raise BadFault(f"Fault {text!r}: a ratio must be between 0 and 1. Accepted: {ACCEPTED}.")
    if name is FaultName.POISON and (number < 1 or number % 1):
        raise BadFault(f"Fault {text!r}: a count must be a whole number of at least 1. Accepted: {ACCEPTED}.")
    if not 0 <= number < 86_400:
        raise BadFault(f"Fault {text!r}: the value is out of range. Accepted: {ACCEPTED}.")
    return number


def _seconds(value: str) -> float:
    if value.endswith("ms"):
        return float(value[:-2]) / 1000
    return float(value.removesuffix("s"))


def format_faults(faults: Iterable[Fault]) -> str:
    """Format faults as the text that `parse_faults` reads."""
    return ",".join(str(fault) for fault in faults)
