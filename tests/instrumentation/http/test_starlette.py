"""Starlette and FastAPI applications in one process; FastAPI derives from Starlette."""

from collections.abc import Generator

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from laban.business_keys.key_rules import KeyRules
from laban.http import asgi
from laban.http.starlette import LabanStarletteInstrumentor

from ..recording import Recording

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def instrumented(recording: Recording, rules: KeyRules) -> Generator[Recording]:
    asgi.install(rules)
    instrumentor = LabanStarletteInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    instrumentor.uninstrument()
    asgi.uninstall()


class Early(Starlette):
    """A class derived before instrumentation."""


async def show(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params["order_id"])


def answer(order_id: str) -> str:
    return order_id


async def get(application: Starlette, path: str) -> httpx.Response:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://shop"
    ) as client:
        return await client.get(path)


@pytest.mark.parametrize("kind", [Starlette, Early])
async def test_a_request_has_one_span_with_its_route_and_keys(
    recording: Recording, kind: type[Starlette]
) -> None:
    answer = await get(kind(routes=[Route("/orders/{order_id}", show)]), "/orders/1001")
    (span,) = recording.finished
    assert (span.name, span.kind) == ("GET /orders/{order_id}", SpanKind.SERVER)
    assert span.attributes["order.id"] == "1001"
    assert answer.headers["X-Correlation-ID"] == span.attributes["correlation.id"]


async def test_fastapi_requests_have_no_second_span(recording: Recording) -> None:
    application = FastAPI()
    application.add_api_route("/orders/{order_id}", answer)
    FastAPIInstrumentor.instrument_app(application, tracer_provider=recording.provider)
    await get(application, "/orders/1001")
    assert len(recording.of_kind(SpanKind.SERVER)) == 1
    FastAPIInstrumentor.uninstrument_app(application)


async def test_a_mounted_application_has_an_inner_span_and_shares_the_keys_of_the_request(
    recording: Recording,
) -> None:
    inner = Starlette(routes=[Route("/orders/{order_id}", show)])
    await get(Starlette(routes=[Mount("/shop", app=inner)]), "/shop/orders/1001")
    outside, inside = recording.finished
    assert (outside.name, outside.kind, outside.parent) == ("GET /shop", SpanKind.SERVER, None)
    assert (inside.name, inside.kind) == ("GET /orders/{order_id}", SpanKind.INTERNAL)
    assert inside.parent == outside.id
    assert {span.attributes["order.id"] for span in recording.finished} == {"1001"}


async def test_keys_are_found_in_a_route_below_a_proxys_root_path(recording: Recording) -> None:
    application = Starlette(routes=[Route("/orders/{order_id}", show)])
    transport = httpx.ASGITransport(application, root_path="/shop")
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        await client.get("/shop/orders/1001")
    (span,) = recording.finished
    assert (span.name, span.attributes["order.id"]) == ("GET /orders/{order_id}", "1001")
