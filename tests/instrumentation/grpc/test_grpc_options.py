"""Options and hooks of upstream's gRPC client instrumentations work with laban's."""

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry.instrumentation.grpc import filters
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind

from laban.grpc.aio_client import LabanGrpcAioClient
from laban.grpc.client import LabanGrpcClient

from ..recording import Recording
from .calls import PRICE, WATCH, serving


@pytest.fixture(scope="module")
def target() -> Generator[str]:
    with serving() as address:
        yield address


def call(target: str) -> None:
    channel: Any
    with grpc.insecure_channel(target) as channel:
        assert channel.unary_unary(PRICE)(b"1") == b"42"
        assert list(channel.unary_stream(WATCH)(b"1")) == [b"1", b"2"]


def call_async(target: str) -> None:
    async def main() -> None:
        channel: Any
        async with grpc.aio.insecure_channel(target) as channel:
            assert await channel.unary_unary(PRICE)(b"1") == b"42"
            assert [answer async for answer in channel.unary_stream(WATCH)(b"1")] == [b"1", b"2"]

    asyncio.run(main())


CLIENTS = pytest.mark.parametrize(
    ("kind", "call"), [(LabanGrpcClient, call), (LabanGrpcAioClient, call_async)], ids=["sync", "asyncio"]
)
Call = Callable[[str], None]


def instrumented(kind: Any, recording: Recording, target: str, call: Call, **options: Any) -> list[str]:
    """Names of the spans of both calls."""
    instrumentor = kind(filter_=options.pop("filter_", None))
    instrumentor.instrument(tracer_provider=recording.provider, **options)
    try:
        call(target)
    finally:
        instrumentor.uninstrument()
    return sorted(span.name for span in recording.of_kind(SpanKind.CLIENT))


@CLIENTS
def test_spans_go_to_the_given_tracer_provider(
    recording: Recording, target: str, kind: Any, call: Call
) -> None:
    assert instrumented(kind, recording, target, call) == [PRICE, WATCH]


@CLIENTS
def test_methods_excluded_by_a_filter_have_no_span(
    recording: Recording, target: str, kind: Any, call: Call
) -> None:
    chosen = filters.negate(filters.method_name("Watch"))
    assert instrumented(kind, recording, target, call, filter_=chosen) == [PRICE]


@CLIENTS
def test_services_excluded_by_the_environment_have_no_span(
    recording: Recording, target: str, kind: Any, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_GRPC_EXCLUDED_SERVICES", "shop.Pricing")
    assert instrumented(kind, recording, target, call) == []


@CLIENTS
def test_suppressed_calls_have_no_span(recording: Recording, target: str, kind: Any, call: Call) -> None:
    def suppressed(address: str) -> None:
        with suppress_instrumentation():
            call(address)

    assert instrumented(kind, recording, target, suppressed) == []


@CLIENTS
def test_hooks_are_called_with_the_span_and_can_raise(
    recording: Recording, target: str, kind: Any, call: Call
) -> None:
    asked: list[Any] = []
    answered: list[Any] = []

    def on_request(span: Any, request: Any) -> None:
        span.set_attribute("asked", True)
        asked.append(request)
        raise ValueError("no")

    def on_response(span: Any, response: Any) -> None:
        answered.append(response)
        raise ValueError("no")

    names = instrumented(kind, recording, target, call, request_hook=on_request, response_hook=on_response)
    assert names == [PRICE, WATCH]
    assert recording.one(PRICE).attributes["asked"] is True
    assert asked[0] == b"1"
    assert answered


def test_uninstrument_restores_the_channel_functions() -> None:
    places = [(grpc, "insecure_channel"), (grpc, "secure_channel")]
    places += [(grpc.aio, "insecure_channel"), (grpc.aio, "secure_channel")]

    def identities() -> list[int]:  # a wrapper compares equal to the wrapped object
        return [id(vars(owner)[name]) for owner, name in places]

    before = identities()
    for kind in (LabanGrpcClient, LabanGrpcAioClient):
        instrumentor: Any = kind()
        instrumentor.instrument()
        assert identities() != before
        instrumentor.uninstrument()
        assert identities() == before
