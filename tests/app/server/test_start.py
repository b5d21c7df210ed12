"""The start of a real `laban serve`: after a kill, on a full disk, and while another process has the file."""

import asyncio
import json
import os
import resource
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import pytest

from laban_app.answers.discovery import file_or_collector
from laban_app.answers.remote import RemoteAnswers
from laban_app.server.api_server import ApiServer, Front
from laban_app.wiring import STORE
from laban_collector.errors import StoreLocked
from laban_collector.receive.asgi import Send, respond
from laban_collector.settings import load_settings
from laban_collector.store.base import Store

from ...collector.running import running_loop
from ...mapper.shop_spans import hybrid_order
from ...serving import serving

_DEADLINE_S = 60
_HOLDS_THE_FILE = """
import sys
from pathlib import Path
from laban_app.wiring import STORE
store = STORE.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
store.close()
"""


@contextmanager
def holding(path: Path) -> Generator[subprocess.Popen[str], None, None]:
    """Run a process that has a database open until its standard input ends."""
    command = [sys.executable, "-c", _HOLDS_THE_FILE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


def answering(answer: Callable[[], httpx.Response], status: int) -> httpx.Response:
    """Ask until the answer has this status."""
    until = time.monotonic() + _DEADLINE_S
    while time.monotonic() < until:
        try:
            response = answer()
        except httpx.TransportError:
            continue
        if response.status_code == status:
            return response
    raise AssertionError(f"no answer {status}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_when_the_collector_says_that_it_is_ready_all_its_addresses_answer(tmp_path: Path) -> None:
    spans = hybrid_order()
    before = os.umask(0)
    try:
        with serving(tmp_path / "a.duckdb") as collector:
            assert httpx.get(f"{collector.url}/readyz").status_code == 200
            collector.send(spans)
            channel = grpc.insecure_channel(collector.grpc)
            export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            )
            assert export(b"") == b""
            channel.close()
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
            collector.process.kill()
    finally:
        os.umask(before)
    assert {"a.duckdb", "a.duckdb.ledger", "a.duckdb.journal-0", "a.duckdb.served-by"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    with serving(tmp_path / "a.duckdb") as collector:  # which finds the URL that the killed one left
        status = httpx.get(f"{collector.url}/api/v1/status").json()
        assert status["spans"] == len(spans)
        assert status["collector"]["doing"] == ""
        assert status["collector"]["ledger_agrees"]


def test_on_a_full_disk_the_collector_says_what_to_do_and_starts_when_there_is_space(tmp_path: Path) -> None:
    api, db = f"127.0.0.1:{free_port()}", tmp_path / "a.duckdb"
    command = [sys.executable, "-m", "laban", "serve", "--db", str(db), "--json", "--api", api]
    command += ["--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2000, hard))
            refused = answering(lambda: httpx.get(f"http://{api}/api/v1/status"), 503)
            while "Free space" not in refused.json()["error"]:
                refused = httpx.get(f"http://{api}/api/v1/status")
            assert refused.headers["retry-after"] == "1"
            unready = httpx.get(f"http://{api}/readyz")
            assert (unready.status_code, unready.json()) == (503, {"status": "starting"})
            assert httpx.get(f"http://{api}/healthz").status_code == 200
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["api"] == api
            assert httpx.get(f"http://{api}/readyz").status_code == 200
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=_DEADLINE_S)
    assert process.returncode == 0
    assert "cannot start yet, and tries again every second" in errors
    assert "Traceback" not in errors


def test_a_query_waits_until_a_process_has_closed_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    settings = load_settings()
    asked = 0

    def open_file() -> Store:
        nonlocal asked
        asked += 1
        if asked == 2:  # the first attempt has failed
            assert process.stdin is not None
            process.stdin.close()
        return STORE.open(path, read_only=True)

    with holding(path) as process:
        store = file_or_collector(open_file, path, settings)
    assert isinstance(store, Store)
    store.close()
    assert asked >= 2


def test_a_query_does_not_wait_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laban_app.answers.discovery._PATIENCE", 0.3)
    path = tmp_path / "a.duckdb"
    with holding(path), pytest.raises(StoreLocked, match="is open in another process"):
        file_or_collector(lambda: STORE.open(path, read_only=True), path, load_settings())


def test_a_query_waits_for_a_collector_that_starts(tmp_path: Path) -> None:
    path, front = tmp_path / "a.duckdb", Front()
    attempts = 0

    def locked() -> Store:
        nonlocal attempts
        attempts += 1
        if attempts == 3:
            front.open(ready)
        raise StoreLocked("locked")

    async def started() -> tuple[ApiServer, str]:
        server = ApiServer("127.0.0.1:0", front, None)
        return server, await server.start()

    with running_loop() as loop:
        server, address = asyncio.run_coroutine_threadsafe(started(), loop).result(_DEADLINE_S)
        path.with_name("a.duckdb.served-by").write_text(f"http://{address}\n", encoding="utf-8")
        found = file_or_collector(locked, path, load_settings())
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(_DEADLINE_S)
    assert isinstance(found, RemoteAnswers)
    found.close()
    assert found.url == f"http://{address}"
    assert attempts == 3


async def ready(_: object, __: object, send: Send) -> None:
    await respond(send, 200, b'{"status":"ready"}', "application/json")
