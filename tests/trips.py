"""Runs a trip of docs/how-it-works.md, and writes the files of laban that it enters, in order, as JSON.

`python -m tests.trips body FILE` follows a request body to the tables; `order` follows `laban order 1001`.
"""

import asyncio
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

import laban_app.cli.app
from laban.__main__ import main as laban
from laban_app.server.collector import Collector
from laban_collector.settings import load_settings
from laban_collector.store.duckdb.store import DuckDBStore

from .app.answers.test_local import named
from .mapper.shop_spans import monolith_timeout
from .otlp import to_otlp

ROOT = Path(__file__).parents[1]
PACKAGES = tuple(str(ROOT / folder) for folder in ("instrumentation", "collector", "mapper", "app"))
FREE = "127.0.0.1:0"
_BACKGROUND = {"laban-digests", "laban-edges", "laban-metadata", "laban-repair", "laban-verify"}
"""Threads that work on what is stored already, whenever they wake."""


class Trace:
    """Notes the files whose functions run while it is on; importing a module is no visit."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self._on = False
        sys.setprofile(self._called)
        threading.setprofile(self._called)

    @contextmanager
    def recording(self) -> Generator[None]:
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _called(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if not self._on or event != "call" or not code.co_filename.startswith(PACKAGES):
            return
        if threading.current_thread().name in _BACKGROUND:
            return
        name = Path(code.co_filename).relative_to(ROOT).as_posix()
        if not code.co_qualname.startswith("<") and not _is_class_body(frame) and name not in self.files:
            self.files.append(name)


def _is_class_body(frame: FrameType) -> bool:
    return "__module__" in frame.f_code.co_names and "__qualname__" in frame.f_locals


async def _store(path: Path, measured: Callable[[], Any]) -> None:
    settings = load_settings(db=path, otlp_grpc=FREE, otlp_http=FREE, api=FREE)
    with DuckDBStore.recover(path) as store:
        collector = Collector(settings, store)
        endpoints = await collector.start()
        body = to_otlp(named(monolith_timeout(), "1001"))
        headers = {"content-type": "application/x-protobuf"}
        async with httpx.AsyncClient() as client:
            with measured():
                answer = await client.post(
                    f"http://{endpoints.http}/v1/traces", content=body, headers=headers
                )
                answer.raise_for_status()
                await asyncio.to_thread(collector.storage.settle)
        await collector.stop()


def main(trip: str, result: Path) -> None:
    """Run a trip, and write its files to `result`."""
    trace = Trace()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spans.duckdb"
        asyncio.run(_store(path, trace.recording if trip == "body" else nullcontext))
        if trip == "order":
            sys.argv = ["laban", "order", "1001", "--db", str(path)]
            laban_app.cli.app.load_command("order")
            with trace.recording(), suppress(SystemExit):
                laban()
    result.write_text(json.dumps(trace.files), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
