"""A collector in a process of its own, to be killed: checkpoints all the time, and tells of it.

Prints where it listens for OTLP over HTTP, then a line when a checkpoint begins.
"""

import asyncio
import sys
from pathlib import Path

from laban_app.server.collector import Collector
from laban_collector.errors import StoreError
from laban_collector.settings import load_settings
from laban_collector.store.duckdb.store import DuckDBStore

_BETWEEN = 0.05
"""Seconds between two checkpoints."""


async def main(path: Path, *, checkpoints: bool) -> None:
    """Run until killed."""
    settings = load_settings(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0")
    print("opening", flush=True)
    store = DuckDBStore.recover(path)
    endpoints = await Collector(settings, store).start()
    print(endpoints.http, flush=True)
    while checkpoints:
        await asyncio.sleep(_BETWEEN)
        print("checkpoint", flush=True)
        try:
            await asyncio.to_thread(store.database.checkpoint)
        except StoreError:  # for example a full disk; the next commit or checkpoint opens the database again
            print("checkpoint failed", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), checkpoints=sys.argv[2] == "checkpoints"))
