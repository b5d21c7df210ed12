"""The HTTP API against its OpenAPI document, with valid and invalid requests from schemathesis."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import positive_data_acceptance

from laban_collector.importing import BATCH_TYPE

from ...mapper.shop_spans import hybrid_order
from ...serving import serving
from ..answers.test_local import named

DRAWN = settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@schemathesis.serializer(BATCH_TYPE)
def batch(_: schemathesis.SerializationContext, value: Any) -> bytes | None:
    """Any bytes: the document does not describe the inside of a batch."""
    drawn: object = getattr(value, "data", value)
    return drawn if isinstance(drawn, bytes) else None


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    with serving(tmp_path_factory.mktemp("contract") / "spans.duckdb") as running:
        running.send(named(hybrid_order(), "123"))
        yield schemathesis.openapi.from_url(f"{running.url}/api/v1/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
def test_every_response_is_as_documented(description: schemathesis.BaseSchema, mode: GenerationMode) -> None:
    """No 500, no undocumented status, content type or body; no invalid request is accepted."""
    checked: list[str] = []
    for found in description.get_all_operations():
        assert not isinstance(found, Err)
        operation = found.ok()

        @DRAWN
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case[Any]) -> None:
            # By the document, a reversed time range is valid, and so is any batch of bytes.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        try:
            check()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # a route without parameters has no invalid request
        else:
            checked.append(operation.label)
    assert "GET /api/v1/map" in checked
