"""What the tests of the instrumentation share: a recording, and laban's propagator around the stock one."""

from collections.abc import Generator

import pytest
from opentelemetry import propagate

from laban import propagation
from laban.keys import parse_rules
from laban.rules import Rules

from .recording import Recording

RULES = "order.id=kafka.key:order-*|header:X-Order-Id|json:order.number|attribute:shop.order"


@pytest.fixture
def rules() -> Rules:
    return Rules(parse_rules(RULES))


@pytest.fixture
def recording(rules: Rules) -> Generator[Recording]:
    before = propagate.get_global_textmap()
    propagation.install(rules)
    recorded = Recording(rules)
    yield recorded
    recorded.provider.shutdown()
    propagate.set_global_textmap(before)
