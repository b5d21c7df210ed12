"""One program in three ways: bare, traced by stock OpenTelemetry, traced by laban."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

PROGRAMS: Final = Path(__file__).parents[1] / "programs"
VARIANTS: Final = ("bare", "stock", "laban")


def command(variant: str, program: str, *arguments: str) -> list[str]:
    """The command line that runs a program of `benchmarks/programs`."""
    script = [str(PROGRAMS / f"{program}.py"), *arguments]
    if variant == "bare":
        return [sys.executable, *script]
    if variant == "stock":
        return [sys.executable, str(PROGRAMS / "under_stock.py"), *script]
    return [sys.executable, "-m", "laban", "run", "--", sys.executable, *script]


def environment(endpoint: str | None) -> dict[str, str]:
    """Without the settings of whoever runs the benchmark; no endpoint means that spans are made, not sent."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LABAN_"))}
    if endpoint is None:
        return kept | {"OTEL_TRACES_EXPORTER": "none"}
    return kept | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}


@contextmanager
def running(argv: Sequence[str], endpoint: str | None) -> Generator[subprocess.Popen[str]]:
    """A process that can be told and whose output can be read, ended with the block."""
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(endpoint)
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(process: subprocess.Popen[str], line: str) -> str:
    """Write a line to a process that runs, and wait for the line that it answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline()


@contextmanager
def sink() -> Generator[str]:
    """A place that takes OTLP over HTTP and drops it; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
