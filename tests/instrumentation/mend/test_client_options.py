"""Options and hooks that OpenTelemetry promises for its HTTP clients: they work as well with ours around."""

import asyncio
from collections.abc import Generator
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind

from laban.mend.aiohttp_client import LabanAiohttpClientInstrumentor
from laban.mend.httpx_client import LabanHttpxInstrumentor
from laban.mend.requests_client import LabanRequestsInstrumentor

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
        async with aiohttp.ClientSession() as session:
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
def test_calls_that_are_excluded_or_suppressed_have_no_span_and_carry_nothing(
    recording: Recording, service: Service, kind: Any, get: Any, _hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", "private")
    instrumentor = kind()
    # The option is that of requests, where stock reads the variable when it is imported.
    instrumentor.instrument(tracer_provider=recording.provider, excluded_urls="private")
    try:
        get(f"{service.url}/private")
        with suppress_instrumentation():
            get(f"{service.url}/")
    finally:
        instrumentor.uninstrument()
    assert recording.finished == []
    assert all("traceparent" not in headers for headers in service.headers)


def test_a_single_client_of_httpx_can_be_traced_and_let_go(recording: Recording, service: Service) -> None:
    with httpx.Client() as client:
        LabanHttpxInstrumentor.instrument_client(client, tracer_provider=recording.provider)
        client.get(f"{service.url}/")
        LabanHttpxInstrumentor.uninstrument_client(client)
        client.get(f"{service.url}/")
    assert len(recording.finished) == 1


@pytest.mark.parametrize(("kind", "get", "_hook"), CLIENTS)
def test_a_call_inside_of_a_span_is_its_child(
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
