"""httpx, requests and aiohttp, instrumented, calling a real server."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from opentelemetry.trace import SpanKind, StatusCode
from urllib3 import Timeout

from laban.http.aiohttp_client import LabanAiohttpClientInstrumentor
from laban.http.httpx import LabanHttpxInstrumentor
from laban.http.requests import LabanRequestsInstrumentor

from ..recording import EndedSpan, Recording
from .http_service import Service, http_serving

INSTRUMENTORS: list[Any] = [
    LabanHttpxInstrumentor,
    LabanRequestsInstrumentor,
    LabanAiohttpClientInstrumentor,
]
Get = Callable[[str, float], Any]


@pytest.fixture
def service(recording: Recording, current_conventions: None) -> Generator[Service]:
    instrumentors = [make() for make in INSTRUMENTORS]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=recording.provider)
    with http_serving() as serving:
        yield serving
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


def client_span(recording: Recording) -> EndedSpan:
    (span,) = recording.of_kind(SpanKind.CLIENT)
    return span


def by_httpx(url: str, timeout: float) -> None:
    httpx.get(url, timeout=timeout)


def by_async_httpx(url: str, timeout: float) -> None:
    async def get() -> None:
        async with httpx.AsyncClient(timeout=timeout) as client:
            await client.get(url)

    asyncio.run(get())


def by_requests(url: str, timeout: float) -> None:
    requests.get(url, timeout=(5, timeout))


def by_aiohttp(url: str, timeout: float) -> None:
    async def get() -> None:
        async with aiohttp.ClientSession() as session:
            await session.get(url, timeout=aiohttp.ClientTimeout(total=timeout))

    asyncio.run(get())


CLIENTS: list[Get] = [by_httpx, by_async_httpx, by_requests, by_aiohttp]


@pytest.mark.parametrize("get", CLIENTS)
def test_a_call_records_peer_and_timeout_and_propagates_the_trace(
    recording: Recording, service: Service, get: Get
) -> None:
    get(service.url, 3)
    span = client_span(recording)
    assert service.url == f"http://{span.attributes['server.address']}:{span.attributes['server.port']}"
    assert span.attributes["laban.timeout_ms"] == 3000
    assert f"{span.trace:032x}-{span.id:016x}" in service.headers[0]["traceparent"]
    assert span.status is StatusCode.UNSET


@pytest.mark.parametrize(
    ("get", "error"),
    [
        (by_httpx, "ReadTimeout"),
        (by_async_httpx, "ReadTimeout"),
        (by_requests, "ReadTimeout"),
        (by_aiohttp, "TimeoutError"),
    ],
)
def test_a_timeout_is_an_error_of_its_own_type(
    recording: Recording, service: Service, get: Get, error: str
) -> None:
    with pytest.raises((httpx.TimeoutException, requests.Timeout, TimeoutError)):
        get(f"{service.url}/silent", 0.2)
    span = client_span(recording)
    assert (span.status, span.attributes["error.type"]) == (StatusCode.ERROR, error)


async def _httpx_get(url: str) -> None:
    async with httpx.AsyncClient() as client:
        await client.get(url)


async def _aiohttp_get(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(url)


@pytest.mark.parametrize("get", [_httpx_get, _aiohttp_get])
def test_a_call_that_the_caller_cancels_is_an_error(
    recording: Recording, service: Service, get: Callable[[str], Any]
) -> None:
    async def give_up() -> None:
        async with asyncio.timeout(0.2):
            await get(f"{service.url}/silent")

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    span = client_span(recording)
    assert (span.status, span.attributes["error.type"]) == (StatusCode.ERROR, "CancelledError")


def _by_aiohttp_session(timeout: aiohttp.ClientTimeout | None) -> Callable[[str], Any]:
    def get(url: str) -> None:
        async def run() -> None:
            async with aiohttp.ClientSession() as session:
                await session.get(url, timeout=timeout)

        asyncio.run(run())

    return get


TIMEOUTS: dict[str, tuple[Callable[[str], Any], int | None, str]] = {
    "httpx without": (lambda url: httpx.get(url, timeout=None), None, "none"),  # noqa: S113 - what is tested
    "httpx, connect only": (lambda url: httpx.get(url, timeout=httpx.Timeout(None, connect=2)), None, "none"),
    "httpx by default": (lambda url: httpx.get(url), 5000, "read"),
    "requests without": (lambda url: requests.get(url), None, "none"),  # noqa: S113 - what is tested
    "requests, connect only": (lambda url: requests.get(url, timeout=(2, None)), None, "none"),
    "requests": (lambda url: requests.get(url, timeout=(2, 3)), 3000, "read"),
    "requests, total": (lambda url: requests.get(url, timeout=Timeout(total=4)), 4000, "read"),  # type: ignore[arg-type]  # works
    "requests, both": (lambda url: requests.get(url, timeout=Timeout(total=4, read=1)), 1000, "read"),  # type: ignore[arg-type]  # works
    "aiohttp without": (_by_aiohttp_session(aiohttp.ClientTimeout(total=None)), None, "none"),
    "aiohttp by default": (_by_aiohttp_session(None), 300_000, "call"),
    "aiohttp, read only": (_by_aiohttp_session(aiohttp.ClientTimeout(sock_read=2)), 2000, "read"),
}


@pytest.mark.parametrize(("get", "milliseconds", "scope"), TIMEOUTS.values(), ids=TIMEOUTS.keys())
def test_a_call_says_its_timeout_and_what_it_limits(
    recording: Recording, service: Service, get: Callable[[str], Any], milliseconds: int | None, scope: str
) -> None:
    get(service.url)
    attributes = client_span(recording).attributes
    assert (attributes.get("laban.timeout_ms"), attributes["laban.timeout.scope"]) == (milliseconds, scope)


def test_an_untraced_call_does_not_change_the_callers_span(
    recording: Recording, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording.tracer.start_as_current_span("caller"):
        instrumentor = LabanHttpxInstrumentor()
        instrumentor.uninstrument()
        monkeypatch.setenv("OTEL_PYTHON_HTTPX_EXCLUDED_URLS", "silent,127.0.0.1")
        instrumentor.instrument(tracer_provider=recording.provider)
        httpx.get(service.url, timeout=3)
    assert "laban.timeout_ms" not in recording.one("caller").attributes


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (httpx.HTTPTransport, "handle_request"),
        (httpx.AsyncHTTPTransport, "handle_async_request"),
        (requests.Session, "send"),
        (aiohttp.ClientSession, "_request"),
        (aiohttp.ClientSession, "__init__"),
    ],
)
def test_uninstrument_restores_everything(recording: Recording, owner: type, name: str) -> None:
    before = vars(owner)[name]
    instrumentors = [make() for make in INSTRUMENTORS]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=recording.provider)
    assert vars(owner)[name] is not before
    for instrumentor in instrumentors:
        instrumentor.uninstrument()
    assert vars(owner)[name] is before


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("get", CLIENTS)
@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_a_call_to_a_url_without_a_port_records_the_default_port(
    recording: Recording, get: Get, scheme: str, port: int
) -> None:
    # No server needed: the address is recorded before the connection.
    with suppress(httpx.HTTPError, requests.RequestException, aiohttp.ClientError):
        get(f"{scheme}://127.0.0.1/", 5.0)
    span = client_span(recording)
    assert (span.attributes["server.address"], span.attributes["server.port"]) == ("127.0.0.1", port)
