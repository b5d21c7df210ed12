"""Whose business keys are accepted."""

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.instrumentation.asgi import asgi_getter
from opentelemetry.propagators.textmap import default_getter

from laban.business_keys.key_rules import KeyRules
from laban.business_keys.propagation import CorrelationPropagator
from laban.business_keys.trust import Trust, Trusted, configured_trust, is_public
from laban.messaging.headers import HeaderGetter

from ..recording import Recording

KEYS = {"baggage": "order.id=1001,tenant=blue"}


def accepted(trusted: Trusted, headers: dict[str, str], rules: KeyRules) -> list[str]:
    """The names of the accepted baggage, without the correlation ID that every request has."""
    propagator = CorrelationPropagator(W3CBaggagePropagator(), rules, Trust(trusted))
    headers = KEYS | headers
    return sorted(set(baggage.get_all(propagator.extract(headers, Context()))) - {"correlation.id"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-forwarded-for": "10.1.2.3, 192.168.0.7"},
        {"forwarded": 'for="[fd00::1]:4711";proto=http'},
        {"x-forwarded-for": "unknown"},
    ],
)
def test_requests_from_an_internal_network_are_trusted(headers: dict[str, str], rules: KeyRules) -> None:
    assert accepted("internal", headers, rules) == ["order.id", "tenant"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "8.8.8.8"},
        {"x-forwarded-for": "8.8.8.8:443, 10.0.0.1"},
        {"forwarded": 'for="[2606:4700::1111]:4711";proto=https'},
        {"x-real-ip": "1.1.1.1"},
    ],
)
def test_external_business_keys_are_dropped_and_other_baggage_stays(
    headers: dict[str, str], rules: KeyRules
) -> None:
    assert accepted("internal", headers, rules) == ["tenant"]
    assert accepted("all", headers, rules) == ["order.id", "tenant"]


def test_none_trusts_no_caller(rules: KeyRules) -> None:
    assert accepted("none", {}, rules) == ["tenant"]


def test_kafka_records_are_always_trusted() -> None:
    headers = [("x-forwarded-for", b"8.8.8.8")]
    assert Trust("none").accepts(headers, HeaderGetter(headers))


def test_the_address_of_an_asgi_caller_is_checked(rules: KeyRules) -> None:
    def scope(client: str) -> dict[str, object]:
        return {"type": "http", "client": (client, 5000), "headers": []}

    assert Trust().accepts(scope("10.0.0.1"), asgi_getter)
    assert not Trust().accepts(scope("8.8.8.8"), asgi_getter)


def test_rejected_keys_are_neither_recorded_nor_propagated(recording: Recording) -> None:
    arrived = propagate.extract(KEYS | {"x-forwarded-for": "8.8.8.8"}, Context())
    with recording.tracer.start_as_current_span("entry", context=arrived):
        pass
    assert "order.id" not in recording.one("entry").attributes


def test_an_unknown_value_causes_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, rules: KeyRules
) -> None:
    monkeypatch.setenv("LABAN_TRUST_BAGGAGE", "everybody")
    assert not configured_trust().accepts({"x-forwarded-for": "8.8.8.8"}, default_getter)
    assert "LABAN_TRUST_BAGGAGE: 'everybody' is not one of internal, all, none" in caplog.text


def test_public_addresses_are_recognised() -> None:
    addresses = ["8.8.8.8", "8.8.8.8:80", "[2606:4700::1111]:443", "10.0.0.1", "::1", "_hidden", "for"]
    assert list(filter(is_public, addresses)) == addresses[:3]
