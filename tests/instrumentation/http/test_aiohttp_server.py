"""An instrumented aiohttp application, called over a real connection."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.web import Application as ImportedEarly
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import SpanKind, StatusCode

from laban.business_keys.key_rules import KeyRules
from laban.http.aiohttp_server import LabanAiohttpServerInstrumentor

from ..recording import EndedSpan, Recording

Fetch = Callable[[str], Awaitable[Any]]


@pytest.fixture
def instrumented(recording: Recording, rules: KeyRules, current_conventions: None) -> Generator[Recording]:
    instrumentor = LabanAiohttpServerInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider, rules=rules)
    yield recording
    instrumentor.uninstrument()


async def create(request: web.Request) -> web.Response:
    """Returns the request body."""
    return web.json_response(await request.json())


async def show(request: web.Request) -> web.Response:
    if request.match_info["order_id"] == "0":
        raise KeyError("no such order")
    return web.Response(headers={"X-Correlation-ID": "mine"} if "own" in request.query else {})


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"price")
    return response


def shop(make: Callable[..., web.Application] = web.Application, **options: Any) -> web.Application:
    application = make(**options)
    application.router.add_post("/orders", create)
    application.router.add_get("/orders/{order_id}", show)
    application.router.add_get("/prices", stream)
    return application


def fetch(application: web.Application, method: str, path: str, **options: Any) -> dict[str, str]:
    """Send one request; returns the response headers."""

    async def one() -> dict[str, str]:
        async with (
            TestServer(application) as server,
            aiohttp.ClientSession() as session,
            session.request(method, server.make_url(path), **options) as response,
        ):
            await response.read()
            return dict(response.headers)

    return asyncio.run(one())


def served(recording: Recording) -> EndedSpan:
    (span,) = recording.of_kind(SpanKind.SERVER)
    return span


def test_a_json_field_and_a_route_parameter_are_business_keys(instrumented: Recording) -> None:
    fetch(shop(), "POST", "/orders", json={"order_id": "1001"})
    assert served(instrumented).attributes["order.id"] == "1001"
    instrumented.clear()
    fetch(shop(), "GET", "/orders/1002")
    assert served(instrumented).attributes["order.id"] == "1002"
    assert served(instrumented).name == "GET /orders/{order_id}"


@pytest.mark.parametrize("path", ["/orders/1", "/prices"])
def test_the_correlation_id_is_returned(instrumented: Recording, path: str) -> None:
    headers = fetch(shop(), "GET", path, headers={"X-Correlation-ID": "abc"})
    assert headers["X-Correlation-ID"] == "abc" == served(instrumented).attributes["correlation.id"]


def test_a_correlation_id_set_by_the_application_is_kept(instrumented: Recording) -> None:
    assert fetch(shop(), "GET", "/orders/1?own")["X-Correlation-ID"] == "mine"


def test_an_uncaught_exception_is_an_error(instrumented: Recording) -> None:
    fetch(shop(), "GET", "/orders/0")
    span = served(instrumented)
    assert (span.status, span.attributes["error.type"]) == (StatusCode.ERROR, "KeyError")


def test_a_sub_application_adds_no_second_span(instrumented: Recording) -> None:
    outer = web.Application()
    outer.add_subapp("/shop/", shop())
    fetch(outer, "GET", "/shop/orders/1")
    assert served(instrumented).name == "GET /shop/orders/{order_id}"


def test_an_application_class_imported_earlier_and_a_tuple_of_middlewares_work(
    instrumented: Recording,
) -> None:
    seen: list[bool] = []

    @web.middleware
    async def own(request: web.Request, handler: Any) -> web.StreamResponse:
        seen.append(trace.get_current_span().is_recording())
        response: web.StreamResponse = await handler(request)
        return response

    fetch(shop(ImportedEarly, middlewares=(own,)), "GET", "/orders/1")
    assert seen == [True]
    assert served(instrumented)


def test_upstreams_options_work(
    recording: Recording, current_conventions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"
    monkeypatch.setenv(f"{prefix}_SERVER_REQUEST", "x-tenant,authorization")
    monkeypatch.setenv(f"{prefix}_SERVER_RESPONSE", "x-correlation-id")
    monkeypatch.setenv(f"{prefix}_SANITIZE_FIELDS", "authorization")
    monkeypatch.setenv("OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS", "prices")
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider([reader]).get_meter)  # no option for it
    instrumentor = LabanAiohttpServerInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    try:
        fetch(shop(), "GET", "/prices")
        headers = {"x-tenant": "blue", "authorization": "Bearer secret"}
        fetch(shop(), "GET", "/orders/1?own&sig=secret", headers=headers)
    finally:
        instrumentor.uninstrument()
    shown = served(recording).attributes
    assert shown["http.request.header.x_tenant"] == ("blue",)
    assert shown["http.response.header.x_correlation_id"] == ("mine",)
    assert "secret" not in str(shown)
    measured = reader.get_metrics_data()
    assert measured is not None
    [scope] = measured.resource_metrics[0].scope_metrics
    assert {"http.server.request.duration", "http.server.active_requests"} == {
        metric.name for metric in scope.metrics
    }


def test_uninstrument_restores_everything(recording: Recording) -> None:
    before = (web.Application, vars(web.Application)["__init__"], vars(web.BaseRequest)["read"])
    instrumentor = LabanAiohttpServerInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    instrumentor.uninstrument()
    after = (web.Application, vars(web.Application)["__init__"], vars(web.BaseRequest)["read"])
    assert all(one is other for one, other in zip(before, after, strict=True))
