"""The faults that a service can be told to have: spelled as text, kept as values.

`latency=3s` every unit of work takes so much longer (also `250ms`) · `errors=0.3` this share of it fails ·
`timeout` it is never answered · `crash` the process ends at the next one · `stop-consumer` no records are
taken, the service stays alive · `poison=2` so many of the next events go out with an undecodable twin ·
`duplicate=0.2` this share of the events is published twice · `out-of-order` neighbouring events swap places.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from laban_samples.addresses import SERVICES
from laban_samples.errors import BadFault


class FaultName(StrEnum):
    """What can be wrong with a service."""

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
_SHARES: Final = {FaultName.ERRORS, FaultName.DUPLICATE}
_BARE: Final = {FaultName.TIMEOUT, FaultName.CRASH, FaultName.STOP_CONSUMER, FaultName.OUT_OF_ORDER}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        name: which.
        value: seconds of latency, a share from 0 to 1, or a count of events; 0 where the name says it all.
    """

    name: FaultName
    value: float = 0.0

    def __str__(self) -> str:
        if self.name in _BARE:
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
    """Read `SERVICE:NAME[=VALUE]`.

    Raises:
        BadFault: says what is accepted.
    """
    service, colon, fault = text.partition(":")
    if not colon:
        raise BadFault(f"Fault {text!r} names no service: write SERVICE:FAULT, for example user:latency=3s.")
    if service not in SERVICES:
        raise BadFault(f"Fault {text!r}: there is no service {service!r}; there are {', '.join(SERVICES)}.")
    return ServiceFault(service, parse_fault(fault))


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read faults that are separated by commas; empty text is no fault.

    Raises:
        BadFault: says what is accepted.
    """
    return tuple(parse_fault(part) for part in text.split(",") if part.strip())


def parse_fault(text: str) -> Fault:
    """Read `NAME[=VALUE]`.

    Raises:
        BadFault: says what is accepted.
    """
    word, equals, value = text.strip().partition("=")
    try:
        name = FaultName(word)
    except ValueError:
        raise BadFault(f"There is no fault {word!r}. Accepted: {ACCEPTED}.") from None
    if name in _BARE:
        if equals:
            raise BadFault(f"Fault {text!r}: {name} takes no value. Accepted: {ACCEPTED}.")
        return Fault(name)
    return Fault(name, _value(name, value, text))


def _value(name: FaultName, value: str, text: str) -> float:
    try:
        number = _seconds(value) if name is FaultName.LATENCY else float(value)
    except ValueError:
        raise BadFault(f"Fault {text!r}: {value!r} is no value of {name}. Accepted: {ACCEPTED}.") from None
    if name in _SHARES and not 0 <= number <= 1:
        raise BadFault(f"Fault {text!r}: a share lies between 0 and 1. Accepted: {ACCEPTED}.")
    if name is FaultName.POISON and (number < 1 or number % 1):
        raise BadFault(f"Fault {text!r}: a count is a whole number from 1. Accepted: {ACCEPTED}.")
    if not 0 <= number < 86_400:
        raise BadFault(f"Fault {text!r}: the value is out of bounds. Accepted: {ACCEPTED}.")
    return number


def _seconds(value: str) -> float:
    if value.endswith("ms"):
        return float(value[:-2]) / 1000
    return float(value.removesuffix("s"))


def spell(faults: Iterable[Fault]) -> str:
    """The text that `parse_faults` reads back."""
    return ",".join(str(fault) for fault in faults)
