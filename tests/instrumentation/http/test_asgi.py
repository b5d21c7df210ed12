"""An instrumented FastAPI application, called through ASGI."""

import json
from collections.abc import Generator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.trace import SpanKind

import laban
from laban.business_keys.key_rules import KeyRules
from laban.http import asgi
from laban.http.json_body import MAX_BODY

from ..recording import EndedSpan, Recording

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def client(recording: Recording, rules: KeyRules) -> Generator[httpx.AsyncClient]:
    asgi.install(rules)
    application = shop(recording)
    FastAPIInstrumentor.instrument_app(
        application, tracer_provider=recording.provider, exclude_spans=["send", "receive"]
    )
    yield httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop")
    FastAPIInstrumentor.uninstrument_app(application)
    asgi.uninstall()


def shop(recording: Recording) -> FastAPI:
    application = FastAPI()

    @application.post("/orders")
    async def create(order: dict[str, Any]) -> dict[str, Any]:
        with recording.tracer.start_as_current_span("price"):
            return order

    @application.get("/orders/{order_id}")
    def show(order_id: str) -> str:
        return order_id

    @application.get("/shipments/{id}")
    def ship(id: str) -> str:  # noqa: A002 - the shape that is tested
        laban.correlate(order_id="77")
        return id

    @application.post("/raw")
    async def raw(request: Request) -> Response:
        return Response(await request.body(), headers={"x-correlation-id": "mine"})

    return application


def served(recording: Recording) -> EndedSpan:
    (span,) = recording.of_kind(SpanKind.SERVER)
    return span


async def test_a_field_of_a_json_body_is_set_on_the_entry_span_and_the_handlers_spans(
    client: httpx.AsyncClient, recording: Recording
) -> None:
    body = {"order_id": "1001", "customer_id": 7, "lines": [{"item_id": "x"}], "note": "none"}
    response = await client.post("/orders", json=body)
    assert response.json() == body
    for span in (recording.one("price"), served(recording)):
        assert (span.attributes["order.id"], span.attributes["customer.id"]) == ("1001", "7")
        assert "item.id" not in span.attributes


async def test_a_rule_names_a_nested_field(client: httpx.AsyncClient, recording: Recording) -> None:
    await client.post("/orders", json={"order": {"number": "A-1"}})
    assert served(recording).attributes["order.id"] == "A-1"


async def test_a_route_parameter_is_a_business_key(client: httpx.AsyncClient, recording: Recording) -> None:
    assert (await client.get("/orders/1001")).json() == "1001"
    assert served(recording).attributes["order.id"] == "1001"


async def test_an_id_from_the_route_and_a_key_from_the_code_are_both_kept(
    client: httpx.AsyncClient, recording: Recording
) -> None:
    await client.get("/shipments/9")
    assert served(recording).attributes["shipment.id"] == "9"
    assert served(recording).attributes["order.id"] == "77"


async def test_a_header_rule_finds_a_key(client: httpx.AsyncClient, recording: Recording) -> None:
    await client.post("/raw", headers={"X-Order-Id": "1001"})
    assert served(recording).attributes["order.id"] == "1001"


async def test_the_edge_creates_records_and_returns_a_correlation_id(
    client: httpx.AsyncClient, recording: Recording
) -> None:
    response = await client.get("/orders/1")
    assert response.headers["X-Correlation-ID"] == served(recording).attributes["correlation.id"]


async def test_a_received_correlation_id_is_kept(client: httpx.AsyncClient, recording: Recording) -> None:
    response = await client.get("/orders/1", headers={"X-Correlation-ID": "abc"})
    assert response.headers["X-Correlation-ID"] == "abc"
    assert served(recording).attributes["correlation.id"] == "abc"


async def test_a_correlation_id_set_by_the_application_is_kept(client: httpx.AsyncClient) -> None:
    response = await client.post("/raw")
    assert response.headers.get_list("X-Correlation-ID") == ["mine"]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"order_id": "1001"}', "text/plain"),
        (b'{"order_id": ', "application/json"),
        (b'["order_id"]', "application/json"),
        (b"\xff\xfe", "application/json"),
        (json.dumps({"order_id": "1001", "blob": "x" * MAX_BODY}).encode(), "application/json"),
    ],
)
async def test_other_bodies_are_not_searched_and_not_changed(
    client: httpx.AsyncClient, recording: Recording, content: bytes, content_type: str
) -> None:
    response = await client.post("/raw", content=content, headers={"content-type": content_type})
    assert response.content == content
    assert "order.id" not in served(recording).attributes
