"""Fixtures for the instrumentation tests: recorded spans, laban's propagator, current conventions."""

from collections.abc import Generator
from typing import Any, cast

import pytest
from opentelemetry import propagate
from opentelemetry.instrumentation import _semconv

from laban.business_keys import propagation
from laban.business_keys.key_rules import KeyRules
from laban.business_keys.keys import parse_rules

from .recording import Recording

RULES = "order.id=kafka.key:order-*|header:X-Order-Id|json:order.number|attribute:shop.order"


@pytest.fixture
def rules() -> KeyRules:
    return KeyRules(parse_rules(RULES))


@pytest.fixture
def recording(rules: KeyRules) -> Generator[Recording]:
    before = propagate.get_global_textmap()
    propagation.install(rules)
    recorded = Recording(rules)
    yield recorded
    recorded.provider.shutdown()
    propagate.set_global_textmap(before)


@pytest.fixture
def current_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The current conventions, as the distro sets them; upstream reads the variable once per process."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    stability = cast("Any", _semconv)._OpenTelemetrySemanticConventionStability
    monkeypatch.setattr(stability, "_initialized", False)
