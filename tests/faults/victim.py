"""A collector in a separate process that a drill kills; it can run a checkpoint every 50 ms.

It prints the address of OTLP over HTTP, then a line at the start of each checkpoint.
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
        except StoreError:  # such as a full disk; the next commit or checkpoint reopens the database
            print("checkpoint failed", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), checkpoints=sys.argv[2] == "checkpoints"))
