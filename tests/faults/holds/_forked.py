"""Collectors in processes that start quickly: forked from one that has imported everything."""

import asyncio
import multiprocessing
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

from laban_app.server.collector import Collector
from laban_collector.settings import load_settings
from laban_collector.store.duckdb.housekeeping import retention
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.private_files import keep_new_files_private

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])
_START_S: Final = 60
_RETENTION_INTERVAL_S: Final = 0.05


@contextmanager
def forked(path: Path, **settings: Any) -> Generator[tuple[ForkServerProcess, str], None, None]:
    """Run a collector; yields its process and its address for OTLP over HTTP, and kills it at the end."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_run, args=(path, settings, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(_START_S), "the collector did not start"
        yield process, ours.recv()
    finally:
        process.kill()
        process.join()
        ours.close()


def _run(path: Path, settings: dict[str, Any], connection: Connection) -> None:
    keep_new_files_private()
    retention.INTERVAL = _RETENTION_INTERVAL_S  # type: ignore[misc]  # not to wait ten seconds
    asyncio.run(_serve(path, settings, connection))


async def _serve(path: Path, settings: dict[str, Any], connection: Connection) -> None:
    loaded = load_settings(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0", **settings)
    endpoints = await Collector(loaded, DuckDBStore.recover(path)).start()
    connection.send(endpoints.http)
    await asyncio.Event().wait()
