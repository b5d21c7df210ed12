"""Instrumented gRPC clients and servers in one process, over a real connection."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from ..recording import Recording
from .calls import PRICE, WATCH, client_and_server


def unary(channel: grpc.Channel) -> "grpc.UnaryUnaryMultiCallable[bytes, bytes]":
    return channel.unary_unary(PRICE)


def streaming(channel: grpc.Channel) -> "grpc.UnaryStreamMultiCallable[bytes, bytes]":
    return channel.unary_stream(WATCH)


def call(target: str, request: bytes, timeout: float | None = 10) -> bytes:
    with grpc.insecure_channel(target) as channel:
        return unary(channel)(request, timeout=timeout)


async def call_asynchronously(target: str, request: bytes, timeout: float | None = 10) -> bytes:
    async with grpc.aio.insecure_channel(target) as channel:
        price: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PRICE)
        return await price(request, timeout=timeout)


def test_a_call_records_its_peer_and_propagates_the_business_keys(recording: Recording, target: str) -> None:
    with recording.tracer.start_as_current_span("request", attributes={"shop.order": "1001"}):
        assert call(target, b"item") == b"42"
    client, server = client_and_server(recording)
    host, _, port = target.partition(":")
    assert (client.attributes["server.address"], client.attributes["server.port"]) == (host, int(port))
    assert server.parent == client.id
    assert server.attributes["order.id"] == "1001"
    assert client.attributes["laban.timeout_ms"] == 10_000
    assert client.attributes["laban.timeout.scope"] == "call"
    assert "laban.rpc.streaming" not in {*client.attributes, *server.attributes}
    assert client.status is server.status is StatusCode.UNSET


def call_in_a_loop(target: str, request: bytes, timeout: float | None) -> bytes:
    return asyncio.run(call_asynchronously(target, request, timeout))


@pytest.mark.parametrize("make", [call, call_in_a_loop])
def test_a_call_without_a_deadline_says_so(
    recording: Recording, target: str, make: Callable[[str, bytes, float | None], bytes]
) -> None:
    make(target, b"item", None)
    client, _ = client_and_server(recording)
    assert client.attributes["laban.timeout.scope"] == "none"
    assert "laban.timeout_ms" not in client.attributes


@pytest.mark.parametrize(("request_", "name"), [(b"crash", "KeyError"), (b"crash plainly", "Exception")])
def test_an_uncaught_exception_is_an_error_of_the_server_span_and_recorded_once(
    recording: Recording, target: str, request_: bytes, name: str
) -> None:
    with pytest.raises(grpc.RpcError):
        call(target, request_)
    client, server = client_and_server(recording)
    assert (server.status, server.attributes["error.type"]) == (StatusCode.ERROR, name)
    assert server.exceptions == [name]
    assert server.attributes["rpc.grpc.status_code"] == 2
    assert (client.status, client.attributes["error.type"]) == (StatusCode.ERROR, "UNKNOWN")


def test_an_abort_keeps_its_status_code_and_is_not_recorded_as_an_exception(
    recording: Recording, target: str
) -> None:
    with pytest.raises(grpc.RpcError):
        call(target, b"abort")
    client, server = client_and_server(recording)
    assert server.attributes["error.type"] == "NOT_FOUND"
    assert (server.status, server.exceptions) == (
        StatusCode.UNSET,
        [],
    )  # NOT_FOUND is not an error of the server
    assert client.attributes["error.type"] == "NOT_FOUND"


def test_an_exceeded_deadline_is_recorded(recording: Recording, target: str) -> None:
    with pytest.raises(grpc.RpcError):
        call(target, b"sleep", timeout=0.2)
    client, _ = client_and_server(recording)
    assert (client.status, client.attributes["error.type"]) == (StatusCode.ERROR, "DEADLINE_EXCEEDED")


def test_the_span_of_a_future_ends_with_it(recording: Recording, target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        future = unary(channel).future(b"crash", timeout=10)
        assert future.exception() is not None
    client, _ = client_and_server(recording)
    assert (client.status, client.attributes["error.type"]) == (StatusCode.ERROR, "UNKNOWN")


def test_reading_a_stream_sets_no_current_span(recording: Recording, target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        for _ in streaming(channel)(b"once", timeout=10):
            assert not trace.get_current_span().get_span_context().is_valid
    client, server = client_and_server(recording)
    assert server.parent == client.id
    assert client.status is StatusCode.UNSET
    assert client.attributes["server.address"] == "127.0.0.1"


def test_cancelling_a_stream_is_not_an_error(recording: Recording, target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        stream = streaming(channel)(b"forever", timeout=10)
        assert next(stream) == b"1"
        stream.cancel()
    client, _ = client_and_server(recording)
    assert (client.status, client.attributes["rpc.grpc.status_code"]) == (StatusCode.UNSET, 1)


def test_a_stream_that_fails_is_an_error(recording: Recording, target: str) -> None:
    with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError):
        list(streaming(channel)(b"fail", timeout=10))
    client, server = client_and_server(recording)
    assert (client.status, client.message) == (StatusCode.ERROR, "DATA_LOSS: lost")
    assert server.status is StatusCode.ERROR


@pytest.mark.parametrize(
    ("request_", "timeout", "error"),
    [(b"item", 10, None), (b"crash", 10, "UNKNOWN"), (b"sleep", 0.2, "DEADLINE_EXCEEDED")],
)
def test_asyncio_calls_record_their_peer_and_error(
    recording: Recording, target: str, request_: bytes, timeout: float, error: str | None
) -> None:
    outcome = asyncio.run(_tried(target, request_, timeout))
    assert (outcome is None) == (error is not None)
    client, _ = client_and_server(recording)
    assert client.attributes["server.address"] == "127.0.0.1"
    assert client.attributes["laban.timeout_ms"] == timeout * 1000
    assert client.attributes.get("error.type") == error
    assert client.status is (StatusCode.ERROR if error else StatusCode.UNSET)


async def _tried(target: str, request: bytes, timeout: float) -> bytes | None:
    try:
        return await call_asynchronously(target, request, timeout)
    except grpc.aio.AioRpcError:
        return None


class _Passing(grpc.ServerInterceptor):
    """An interceptor of the program."""

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        return continuation(handler_call_details)


def test_concurrent_calls_have_separate_spans_and_traces(
    grpc_instrumented: Recording,
) -> None:
    together = threading.Barrier(2)

    def handle(_request: bytes, _context: grpc.ServicerContext) -> bytes:
        together.wait(10)
        return trace.get_current_span().get_span_context().span_id.to_bytes(8)

    handlers: dict[str, Any] = {"Count": grpc.unary_unary_rpc_method_handler(handle)}
    own: Any = (_Passing(),)  # upstream adds a list to it
    server = grpc.server(ThreadPoolExecutor(2), interceptors=own)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop.Stock", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_unary("/shop.Stock/Count")
        asked = [call.future(b"") for _ in range(2)]
        seen = {int.from_bytes(each.result(10)) for each in asked}
    server.stop(None).wait()
    grpc_instrumented.wait_for(4)
    handled = grpc_instrumented.of_kind(SpanKind.SERVER)
    assert {span.id for span in handled} == seen
    assert len({span.trace for span in handled}) == 2
