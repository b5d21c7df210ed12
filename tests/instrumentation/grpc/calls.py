"""A small gRPC service without generated code, served on a free port."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from opentelemetry.trace import SpanKind

from ..recording import EndedSpan, Recording

PRICE = "/shop.Pricing/Price"
WATCH = "/shop.Pricing/Watch"
TOTAL = "/shop.Pricing/Total"
HAGGLE = "/shop.Pricing/Haggle"


def price(request: bytes, context: grpc.ServicerContext) -> bytes:
    """Answers, fails or takes too long, depending on the request."""
    if request == b"crash":
        raise KeyError("no such item")
    if request == b"crash plainly":
        raise Exception("plain")  # noqa: TRY002 - what gRPC itself raises for aborts
    if request == b"abort":
        context.abort(grpc.StatusCode.NOT_FOUND, "no such item")
    if request == b"sleep":
        while context.is_active():  # until the caller's deadline
            pass
    return b"42"


def watch(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    """Two prices; then the end, a failure, or silence until the call is cancelled."""
    yield b"1"
    yield b"2"
    if request == b"fail":
        context.abort(grpc.StatusCode.DATA_LOSS, "lost")
    while request == b"forever" and context.is_active():
        yield b"3"


def total(requests: Iterator[bytes], _context: grpc.ServicerContext) -> bytes:
    """The number of requests."""
    return b"%d" % sum(1 for _ in requests)


def haggle(requests: Iterator[bytes], _context: grpc.ServicerContext) -> Iterator[bytes]:
    """An answer for each request."""
    yield from requests


@contextmanager
def serving() -> Generator[str]:
    """A server in this process; yields its target."""
    handlers: dict[str, Any] = {
        "Price": grpc.unary_unary_rpc_method_handler(price),
        "Watch": grpc.unary_stream_rpc_method_handler(watch),
        "Total": grpc.stream_unary_rpc_method_handler(total),
        "Haggle": grpc.stream_stream_rpc_method_handler(haggle),
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop.Pricing", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def client_and_server(recording: Recording) -> tuple[EndedSpan, EndedSpan]:
    """Client and server span of the only call."""
    recording.wait_for(2)
    (client,) = recording.of_kind(SpanKind.CLIENT)
    (server,) = recording.of_kind(SpanKind.SERVER)
    return client, server
