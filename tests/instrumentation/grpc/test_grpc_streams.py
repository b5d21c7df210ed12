"""Streaming RPCs, sync and asyncio, in all four kinds of call."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import grpc.aio
import pytest
from grpc.experimental import ChannelOptions
from opentelemetry.trace import StatusCode

from ..recording import Recording
from .calls import HAGGLE, PRICE, TOTAL, WATCH, client_and_server

Call = Callable[[Any], object]
STREAMING: list[tuple[str, Call]] = [
    ("server", lambda channel: list(channel.unary_stream(WATCH)(b"once", timeout=10))),
    ("client", lambda channel: channel.stream_unary(TOTAL)(iter([b"1", b"2"]), timeout=10)),
    ("bidi", lambda channel: list(channel.stream_stream(HAGGLE)(iter([b"1", b"2"]), timeout=10))),
]


@pytest.mark.parametrize(("who", "call"), STREAMING)
def test_both_spans_of_a_streaming_call_record_the_streaming_side(
    recording: Recording, target: str, who: str, call: Call
) -> None:
    with grpc.insecure_channel(target) as channel:
        assert call(channel)
    client, server = client_and_server(recording)
    assert client.attributes["laban.rpc.streaming"] == server.attributes["laban.rpc.streaming"] == who
    assert client.attributes["laban.timeout_ms"] == 10_000
    assert (server.parent, client.status) == (client.id, StatusCode.UNSET)


def test_a_bidirectional_stream_is_the_object_that_grpc_returned(recording: Recording, target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        stream: Any = cast("Any", channel).stream_stream(HAGGLE)(iter([b"1", b"2"]), timeout=10)
        assert next(stream) == b"1"
        stream.cancel()
    client, _ = client_and_server(recording)
    assert (client.status, client.attributes["rpc.grpc.status_code"]) == (StatusCode.UNSET, 1)


def test_the_span_of_a_single_threaded_stream_ends(recording: Recording, target: str) -> None:
    options = [(ChannelOptions.SingleThreadedUnaryStream, 1)]
    with grpc.insecure_channel(target, options=options) as channel:
        assert list(cast("Any", channel).unary_stream(WATCH)(b"once", timeout=10)) == [b"1", b"2"]
    client, _ = client_and_server(recording)
    assert client.attributes["rpc.grpc.status_code"] == 0


def connected(target: str) -> Any:
    """An asyncio channel; its stubs are typed by generated code, which is not here."""
    return grpc.aio.insecure_channel(target)


async def _numbers() -> AsyncIterator[bytes]:
    for number in (b"1", b"2"):
        yield number


AIO_STREAMING: list[tuple[str, Callable[[Any], Any]]] = [
    ("server", lambda channel: channel.unary_stream(WATCH)(b"once", timeout=10)),
    ("bidi", lambda channel: channel.stream_stream(HAGGLE)(_numbers(), timeout=10)),
]


@pytest.mark.parametrize(("who", "call"), AIO_STREAMING)
def test_asyncio_clients_record_the_streaming_side(
    recording: Recording, target: str, who: str, call: Callable[[Any], Any]
) -> None:
    async def read() -> list[bytes]:
        async with connected(target) as channel:
            return [answer async for answer in call(channel)]

    assert asyncio.run(read()) == [b"1", b"2"]
    client, server = client_and_server(recording)
    assert client.attributes["laban.rpc.streaming"] == server.attributes["laban.rpc.streaming"] == who
    assert client.attributes["rpc.grpc.status_code"] == 0
    assert client.attributes["laban.timeout_ms"] == 10_000


def test_an_asyncio_client_can_send_a_stream(recording: Recording, target: str) -> None:
    async def count() -> bytes:
        async with connected(target) as channel:
            total: bytes = await channel.stream_unary(TOTAL)(_numbers(), timeout=10)
            return total

    assert asyncio.run(count()) == b"2"
    client, server = client_and_server(recording)
    assert client.attributes["laban.rpc.streaming"] == server.attributes["laban.rpc.streaming"] == "client"


def test_a_cancelled_asyncio_stream_is_not_an_error(recording: Recording, target: str) -> None:
    async def peek() -> bytes:
        async with connected(target) as channel:
            stream = channel.unary_stream(WATCH)(b"forever", timeout=10)
            first: bytes = await stream.read()
            stream.cancel()
            return first

    assert asyncio.run(peek()) == b"1"
    client, _ = client_and_server(recording)
    assert (client.status, client.attributes["rpc.grpc.status_code"]) == (StatusCode.UNSET, 1)


def test_an_asyncio_stream_that_fails_is_an_error(recording: Recording, target: str) -> None:
    async def read() -> None:
        async with connected(target) as channel:
            async for _ in channel.unary_stream(WATCH)(b"fail", timeout=10):
                pass

    with pytest.raises(grpc.aio.AioRpcError):
        asyncio.run(read())
    client, _ = client_and_server(recording)
    assert (client.status, client.attributes["error.type"]) == (StatusCode.ERROR, "DATA_LOSS")


def test_an_asyncio_call_that_the_caller_cancels_is_an_error(recording: Recording, target: str) -> None:
    async def give_up() -> None:
        async with connected(target) as channel:
            async with asyncio.timeout(0.2):
                await channel.unary_unary(PRICE)(b"sleep", timeout=10)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    client, _ = client_and_server(recording)
    assert (client.status, client.attributes["error.type"]) == (StatusCode.ERROR, "CancelledError")


class AioPricing:
    """Typical handlers of an asyncio server."""

    @staticmethod
    async def price(request: bytes, context: Any) -> bytes:
        if request == b"crash":
            raise KeyError("no such item")
        return b"42"

    @staticmethod
    async def generated(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"

    @staticmethod
    async def written(request: bytes, context: Any) -> None:
        await context.write(b"1")
        await context.write(b"2")

    @staticmethod
    def in_a_thread(request: bytes, context: Any) -> bytes:
        return b"42"


@asynccontextmanager
async def aio_channel(**handlers: Any) -> AsyncGenerator[Any]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Pricing", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with connected(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


@pytest.mark.parametrize("handler", [AioPricing.generated, AioPricing.written])
def test_asyncio_servers_can_yield_or_write_a_stream(grpc_instrumented: Recording, handler: Any) -> None:
    async def read() -> list[bytes]:
        async with aio_channel(Watch=grpc.unary_stream_rpc_method_handler(handler)) as channel:
            return [answer async for answer in channel.unary_stream(WATCH)(b"", timeout=10)]

    assert asyncio.run(read()) == [b"1", b"2"]
    client, server = client_and_server(grpc_instrumented)
    assert (server.parent, server.attributes["laban.rpc.streaming"]) == (client.id, "server")
    assert server.status is StatusCode.UNSET


def test_an_uncaught_exception_of_an_asyncio_server_is_recorded_once(grpc_instrumented: Recording) -> None:
    async def call() -> None:
        async with aio_channel(Price=grpc.unary_unary_rpc_method_handler(AioPricing.price)) as channel:
            await channel.unary_unary(PRICE)(b"crash", timeout=10)

    with pytest.raises(grpc.aio.AioRpcError):
        asyncio.run(call())
    _, server = client_and_server(grpc_instrumented)
    assert (server.status, server.attributes["error.type"]) == (StatusCode.ERROR, "KeyError")
    assert (server.exceptions, server.attributes["rpc.grpc.status_code"]) == (["KeyError"], 2)


def test_a_plain_function_on_an_asyncio_server_still_works(grpc_instrumented: Recording) -> None:
    async def call() -> bytes:
        handler: Any = grpc.unary_unary_rpc_method_handler(AioPricing.in_a_thread)
        async with aio_channel(Price=handler) as channel:
            answer: bytes = await channel.unary_unary(PRICE)(b"", timeout=10)
            return answer

    assert asyncio.run(call()) == b"42"
