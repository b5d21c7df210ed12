"""A collector in its own process, for tests that kill it: prints its address for OTLP/HTTP."""

import asyncio
import sys
from pathlib import Path

from laban_app.server.collector import Collector
from laban_collector.settings import load_settings
from laban_collector.store.duckdb.store import DuckDBStore


async def main(path: Path) -> None:
    """Run until killed."""
    settings = load_settings(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0")
    endpoints = await Collector(settings, DuckDBStore.open(path)).start()
    print(endpoints.http, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
