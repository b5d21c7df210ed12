"""A load generator in a separate process: `python -m benchmarks.workload.sender JSON`.

It first builds all requests. Then each connection sends one request after the other. It prints a `Sent` as
JSON.
"""

import asyncio
import dataclasses
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import grpc.aio
import numpy as np
import uvloop

from benchmarks.workload.shop import templates

Send = Callable[[bytes], Awaitable[bool]]
"""Sends one request and waits for the response; returns whether it was accepted."""

_ROOT: Final = Path(__file__).resolve().parents[2]
_EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_TEMPLATE_SPANS: Final = 20_000
_RETRY: Final = 0.05


@dataclasses.dataclass(frozen=True)
class Load:
    """A load to send.

    Attributes:
        protocol: `http` or `grpc`.
        address: HOST:PORT.
        spans: spans per request.
        requests: number of requests.
        connections: number of concurrent connections.
        compress: whether to use gzip.
        first_round: first round of the templates; loads of one run that share a round send duplicates.
        path: where the server takes traces over HTTP.
    """

    protocol: str
    address: str
    spans: int
    requests: int
    connections: int
    compress: bool
    first_round: int
    path: str = "/v1/traces"


@dataclasses.dataclass(frozen=True)
class Sent:
    """The result of a load. Latencies are in milliseconds, from sending to the acknowledgement."""

    spans: int
    seconds: float
    retries: int
    p50_ms: float
    p99_ms: float
    rounds: int


def send(load: Load) -> Sent:
    """Send a load from a separate process."""
    command = [sys.executable, "-m", "benchmarks.workload.sender", json.dumps(dataclasses.asdict(load))]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    return Sent(**json.loads(done.stdout))


def bodies(load: Load) -> tuple[list[bytes], int]:
    """Return the requests of a load and the number of template rounds that they use."""
    made, period = templates(min(load.requests, max(_TEMPLATE_SPANS // load.spans, 1)), load.spans)
    rounds = -(-load.requests // len(made))

    def each() -> Iterator[bytes]:
        for number in range(rounds):
            for template in made:
                yield template.fresh(load.first_round + number, period)

    def pack(body: bytes) -> bytes:
        return gzip.compress(body, 1) if load.compress else body

    return [pack(body) for body, _ in zip(each(), range(load.requests), strict=False)], rounds


async def _send_all(load: Load) -> Sent:
    requests, rounds = bodies(load)
    waiting = iter(requests)
    latencies: list[float] = []
    retries = 0

    async def connection() -> None:
        nonlocal retries
        send_one, close = await (_http(load) if load.protocol == "http" else _grpc(load))
        for body in waiting:
            began = time.perf_counter()
            while not await send_one(body):
                retries += 1
                await asyncio.sleep(_RETRY)
            latencies.append(time.perf_counter() - began)
        await close()

    began = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(load.connections)))
    seconds = time.perf_counter() - began
    p50, p99 = (float(value) * 1e3 for value in np.quantile(latencies, [0.5, 0.99]))
    return Sent(len(requests) * load.spans, seconds, retries, p50, p99, rounds)


Connection = tuple[Send, Callable[[], Awaitable[object]]]


async def _http(load: Load) -> Connection:
    host, _, port = load.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {load.path} HTTP/1.1\r\nhost: {load.address}\r\n"
    head += "content-type: application/x-protobuf\r\n"
    if load.compress:
        head += "content-encoding: gzip\r\n"

    async def send_one(body: bytes) -> bool:
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = _content_length(answer)
        await reader.readexactly(length)
        status = int(answer[9:12])
        if status not in (200, 429, 503):
            raise RuntimeError(f"{load.address} answered {status}")
        return status == 200

    async def close() -> None:
        writer.close()
        await writer.wait_closed()

    return send_one, close


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _grpc(load: Load) -> Connection:
    compression = grpc.Compression.Gzip if load.compress else grpc.Compression.NoCompression
    channel = grpc.aio.insecure_channel(
        load.address, options=[("grpc.use_local_subchannel_pool", 1)], compression=compression
    )
    export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_EXPORT)

    async def send_one(body: bytes) -> bool:
        try:
            await export(gzip.decompress(body) if load.compress else body)
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            return False
        return True

    return send_one, channel.close


def main(arguments: Sequence[str]) -> None:
    """Send the load that the argument describes as JSON."""
    load = Load(**json.loads(arguments[0]))
    print(json.dumps(dataclasses.asdict(uvloop.run(_send_all(load)))))


if __name__ == "__main__":
    main(sys.argv[1:])
