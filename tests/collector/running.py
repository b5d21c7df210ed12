"""A real collector in this process, on free ports, with its event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from laban_collector.collector import Collector, Endpoints
from laban_collector.settings import Settings, load_settings
from laban_collector.store.duckdb.database import Database

FREE = "127.0.0.1:0"


def settings(**changes: Any) -> Settings:
    """Settings with free ports."""
    return load_settings(**({"otlp_grpc": FREE, "otlp_http": FREE} | changes))


@contextmanager
def running_loop() -> Generator[asyncio.AbstractEventLoop, None, None]:
    """An event loop that runs in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def running_collector(database: Database, **changes: Any) -> Generator[Endpoints, None, None]:
    """A started collector; stopped, with everything it accepted stored, at the end."""
    collector = Collector(settings(**changes), database)
    with running_loop() as loop:
        endpoints = asyncio.run_coroutine_threadsafe(collector.start(), loop).result(30)
        try:
            yield endpoints
        finally:
            asyncio.run_coroutine_threadsafe(collector.stop(), loop).result(30)
