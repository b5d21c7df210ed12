"""Calls that are repeated and guarded, by every library of retries and circuit breakers that laban knows.

A server in this process answers /flaky/NAME with 503 the first time, and /down with 503 always. Each way to
call has a span `by LIBRARY` and prints what it got.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import aiobreaker
import circuitbreaker
import httpx
import purgatory
import pybreaker
import requests
import stamina
import stamina.instrumentation
import tenacity
from opentelemetry import trace
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

TIMEOUT_S = 9


def get(url: str) -> int:
    return httpx.get(url, timeout=TIMEOUT_S).raise_for_status().status_code


async def get_async(url: str) -> int:
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        return (await client.get(url)).raise_for_status().status_code


def by_tenacity(url: str) -> Generator[object]:
    yield tenacity.retry(stop=tenacity.stop_after_attempt(3))(get)(f"{url}/flaky/tenacity")


def by_stamina(url: str) -> Generator[object]:
    retrying = stamina.retry(on=httpx.HTTPStatusError, attempts=3, wait_initial=0.001, wait_jitter=0)
    yield asyncio.run(retrying(get_async)(f"{url}/flaky/stamina"))


def by_urllib3(url: str) -> Generator[object]:
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(2, status_forcelist=[503])))
        yield session.get(f"{url}/flaky/urllib3", timeout=TIMEOUT_S).status_code


def by_circuitbreaker(url: str) -> Generator[object]:
    guarded: Any = circuitbreaker.CircuitBreaker(1, name="down").decorate(get)
    yield from (_outcome(lambda: guarded(f"{url}/down")) for _ in range(2))


def by_purgatory(url: str) -> Generator[object]:
    guarded: Any = purgatory.AsyncCircuitBreakerFactory(default_threshold=1)("down")(get_async)
    yield from (_outcome(lambda: asyncio.run(guarded(f"{url}/down"))) for _ in range(2))


def by_pybreaker(url: str) -> Generator[object]:
    guarded: Any = pybreaker.CircuitBreaker(1, name="down")(get)
    yield from (_outcome(lambda: guarded(f"{url}/down")) for _ in range(2))


def by_aiobreaker(url: str) -> Generator[object]:
    guarded: Any = aiobreaker.CircuitBreaker(1, name="down")(get_async)
    yield from (_outcome(lambda: asyncio.run(guarded(f"{url}/down"))) for _ in range(2))


WAYS: list[Callable[[str], Generator[object]]] = [
    *(by_tenacity, by_stamina, by_urllib3),
    *(by_circuitbreaker, by_purgatory, by_pybreaker, by_aiobreaker),
]


def main() -> None:
    stamina.instrumentation.set_on_retry_hooks([])  # their log lines have the time
    tracer = trace.get_tracer("program")
    with serving() as url:
        for way in WAYS:
            with tracer.start_as_current_span(way.__name__.replace("_", " ")):
                print(way.__name__, *way(url))


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - the output shows which
        return type(error).__name__


@contextmanager
def serving() -> Generator[str]:
    asked: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            failing = self.path not in asked or self.path == "/down"
            asked.add(self.path)
            self.send_response(503 if failing else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


if __name__ == "__main__":
    main()
