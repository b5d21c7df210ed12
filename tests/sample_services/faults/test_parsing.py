"""Parsing and formatting of faults."""

import pytest

from laban_samples.errors import BadFault
from laban_samples.faults.parsing import (
    ACCEPTED,
    Fault,
    FaultName,
    ServiceFault,
    format_faults,
    parse_fault,
    parse_faults,
    parse_service_fault,
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("latency=3s", Fault(FaultName.LATENCY, 3.0)),
        ("latency=250ms", Fault(FaultName.LATENCY, 0.25)),
        ("latency=1.5", Fault(FaultName.LATENCY, 1.5)),
        ("errors=0.3", Fault(FaultName.ERRORS, 0.3)),
        ("timeout", Fault(FaultName.TIMEOUT)),
        ("crash", Fault(FaultName.CRASH)),
        ("stop-consumer", Fault(FaultName.STOP_CONSUMER)),
        ("poison=2", Fault(FaultName.POISON, 2)),
        ("duplicate=1", Fault(FaultName.DUPLICATE, 1.0)),
        ("out-of-order", Fault(FaultName.OUT_OF_ORDER)),
    ],
)
def test_a_fault_is_parsed_and_formatted(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    "text",
    [
        *("", "slow", "latency", "latency=", "latency=soon", "latency=-1s", "errors=1.5", "errors=nan"),
        *("poison=0", "poison=1.5", "poison=inf", "crash=1", "out-of-order=yes", "Latency=3s"),
    ],
)
def test_an_invalid_fault_is_rejected_with_the_accepted_faults(text: str) -> None:
    with pytest.raises(BadFault) as refused:
        parse_fault(text)
    assert ACCEPTED in str(refused.value)


def test_a_list_of_faults_is_parsed_and_formatted() -> None:
    faults = parse_faults("latency=3s, errors=0.5,crash")
    assert [fault.name for fault in faults] == [FaultName.LATENCY, FaultName.ERRORS, FaultName.CRASH]
    assert parse_faults(format_faults(faults)) == faults
    assert parse_faults("") == ()


def test_a_service_fault_is_parsed_and_formatted() -> None:
    fault = parse_service_fault("user:latency=3s")
    assert fault == ServiceFault("user", Fault(FaultName.LATENCY, 3.0))
    assert str(fault) == "user:latency=3s"


def test_an_unknown_service_is_rejected_with_the_known_services() -> None:
    with pytest.raises(BadFault, match="user, email, analytics, pricing, payment, inventory, order"):
        parse_service_fault("shipping:crash")


def test_a_fault_without_a_service_is_rejected_with_an_example() -> None:
    with pytest.raises(BadFault, match="user:latency=3s"):
        parse_service_fault("latency=3s")
