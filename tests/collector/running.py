"""A real collector in this process, on free ports, with its event loop in a separate thread."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import duckdb

from laban_app.server.collector import Collector, Endpoints
from laban_collector.settings import Settings, load_settings
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.store import DuckDBStore

FREE = "127.0.0.1:0"


def settings(**changes: Any) -> Settings:
    """Return settings with free ports."""
    return load_settings(**({"otlp_grpc": FREE, "otlp_http": FREE} | changes))


@contextmanager
def running_loop() -> Generator[asyncio.AbstractEventLoop, None, None]:
    """Run an event loop in another thread."""
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
    """Run a collector until the block ends; everything it accepted is stored then.

    Reads from the database in the block see everything acknowledged, like requests to the API.
    """
    collector = Collector(settings(**changes), DuckDBStore(database))
    reading = database.reading

    def settled() -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        collector.storage.settle()
        return reading()

    with running_loop() as loop:
        endpoints = asyncio.run_coroutine_threadsafe(collector.start(), loop).result(30)
        try:
            with patch.object(database, "reading", settled):
                yield endpoints
        finally:
            asyncio.run_coroutine_threadsafe(collector.stop(), loop).result(30)
