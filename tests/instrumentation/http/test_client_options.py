"""Options and hooks of upstream's HTTP client instrumentations work with laban's patches."""

import asyncio
from collections.abc import Generator
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.trace import SpanKind, StatusCode

from laban.http.aiohttp_client import LabanAiohttpClientInstrumentor
from laban.http.httpx import LabanHttpxInstrumentor
from laban.http.requests import LabanRequestsInstrumentor

from ..recording import Recording
from .http_service import Service, http_serving

pytestmark = pytest.mark.usefixtures("current_conventions")


@pytest.fixture
def service() -> Generator[Service]:
    with http_serving() as serving:
        yield serving


def mark(span: Any, *_: Any) -> None:
    span.set_attribute("hooked", span.attributes.get("hooked", 0) + 1)


async def mark_async(span: Any, *_: Any) -> None:
    mark(span)


def by_async_httpx(url: str) -> None:
    async def get() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(url)

    asyncio.run(get())


def by_aiohttp(url: str) -> None:
    async def get() -> None:
        async with aiohttp.ClientSession(headers={"accept": "*/*"}) as session:
            await session.get(url)

    asyncio.run(get())


CLIENTS: list[Any] = [
    pytest.param(LabanHttpxInstrumentor, httpx.get, mark, id="httpx"),
    pytest.param(LabanHttpxInstrumentor, by_async_httpx, mark_async, id="asynchronous httpx"),
    pytest.param(LabanRequestsInstrumentor, requests.get, mark, id="requests"),
    pytest.param(LabanAiohttpClientInstrumentor, by_aiohttp, mark, id="aiohttp"),
]


@pytest.mark.parametrize(("kind", "get", "hook"), CLIENTS)
def test_hooks_are_called_with_the_span_of_the_call(
    recording: Recording, service: Service, kind: Any, get: Any, hook: Any
) -> None:
    prefix = "async_" if hook is mark_async else ""
    hooks = {f"{prefix}request_hook": hook, f"{prefix}response_hook": hook}
    instrumentor = kind()
    instrumentor.instrument(tracer_provider=recording.provider, **hooks)
    try:
        get(f"{service.url}/")
    finally:
        instrumentor.uninstrument()
    (span,) = recording.of_kind(SpanKind.CLIENT)
    assert span.attributes["hooked"] == 2


@pytest.mark.parametrize(("kind", "get", "_hook"), CLIENTS)
def test_excluded_or_suppressed_calls_have_no_span_and_propagate_nothing(
    recording: Recording, service: Service, kind: Any, get: Any, _hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", "private")
    instrumentor = kind()
    # For requests as an option, because upstream reads the variable at import.
    instrumentor.instrument(tracer_provider=recording.provider, excluded_urls="private")
    try:
        get(f"{service.url}/private")
        with suppress_instrumentation():
            get(f"{service.url}/")
    finally:
        instrumentor.uninstrument()
    assert recording.finished == []
    assert all("traceparent" not in headers for headers in service.headers)


def test_a_single_httpx_client_can_be_instrumented_and_uninstrumented(
    recording: Recording, service: Service
) -> None:
    with httpx.Client() as client:
        LabanHttpxInstrumentor.instrument_client(client, tracer_provider=recording.provider)
        client.get(f"{service.url}/")
        LabanHttpxInstrumentor.uninstrument_client(client)
        client.get(f"{service.url}/")
    assert len(recording.finished) == 1


@pytest.mark.parametrize(("kind", "get", "_hook"), CLIENTS)
def test_a_call_inside_a_span_is_its_child(
    recording: Recording, service: Service, kind: Any, get: Any, _hook: Any
) -> None:
    instrumentor = kind()
    instrumentor.instrument(tracer_provider=recording.provider)
    try:
        with recording.tracer.start_as_current_span("request"):
            get(f"{service.url}/")
    finally:
        instrumentor.uninstrument()
    (span,) = recording.of_kind(SpanKind.CLIENT)
    assert span.parent == recording.one("request").id


@pytest.mark.parametrize(("kind", "get", "_hook"), CLIENTS)
def test_configured_headers_are_recorded_and_secrets_are_not(
    recording: Recording, service: Service, kind: Any, get: Any, _hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"
    monkeypatch.setenv(f"{prefix}_CLIENT_REQUEST", "accept.*,authorization")
    monkeypatch.setenv(f"{prefix}_CLIENT_RESPONSE", "Content-Length")
    monkeypatch.setenv(f"{prefix}_SANITIZE_FIELDS", "authorization")
    instrumentor = kind()
    instrumentor.instrument(tracer_provider=recording.provider)
    try:
        get(service.url.replace("://", "://user:secret@") + "/?sig=secret")
    finally:
        instrumentor.uninstrument()
    (span,) = recording.of_kind(SpanKind.CLIENT)
    shown = {key: value for key, value in span.attributes.items() if ".header." in key}
    assert shown.pop("http.request.header.authorization", ("[REDACTED]",)) == ("[REDACTED]",)
    assert shown.pop("http.response.header.content_length") == ("0",)
    assert shown
    assert all(key.startswith("http.request.header.accept") for key in shown)
    assert "secret" not in str(span.attributes)


@pytest.mark.parametrize(("kind", "get", "_hook"), CLIENTS)
def test_calls_record_metrics(
    recording: Recording, service: Service, kind: Any, get: Any, _hook: Any
) -> None:
    reader = InMemoryMetricReader()
    instrumentor = kind()
    instrumentor.instrument(tracer_provider=recording.provider, meter_provider=MeterProvider([reader]))
    try:
        get(f"{service.url}/")
    finally:
        instrumentor.uninstrument()
    measured = reader.get_metrics_data()
    assert measured is not None
    [duration] = measured.resource_metrics[0].scope_metrics[0].metrics
    [point] = duration.data.data_points
    assert duration.name == "http.client.request.duration"
    assert isinstance(point, HistogramDataPoint)
    assert (point.count, (point.attributes or {})["http.response.status_code"]) == (1, 200)


@pytest.mark.parametrize(("kind", "get", "_hook"), CLIENTS)
def test_a_call_to_an_unreachable_server_is_an_error(
    recording: Recording, kind: Any, get: Any, _hook: Any
) -> None:
    instrumentor = kind()
    instrumentor.instrument(tracer_provider=recording.provider)
    try:
        with pytest.raises(Exception, match="onnect"):
            get("http://127.0.0.1:9/")
    finally:
        instrumentor.uninstrument()
    (span,) = recording.finished
    assert (span.status, len(span.exceptions)) == (StatusCode.ERROR, 1)
    assert "Connect" in span.attributes["error.type"]
