"""Runs one program in three variants: bare, traced by upstream OpenTelemetry, traced by laban."""

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
VARIANTS: Final = ("bare", "upstream", "laban")


def command(variant: str, program: str, *arguments: str) -> list[str]:
    """Return the command line that runs a program of `benchmarks/programs` in a variant."""
    script = [str(PROGRAMS / f"{program}.py"), *arguments]
    if variant == "bare":
        return [sys.executable, *script]
    if variant == "upstream":
        return [sys.executable, str(PROGRAMS / "with_upstream.py"), *script]
    return [sys.executable, "-m", "laban", "run", "--", sys.executable, *script]


def environment(endpoint: str | None) -> dict[str, str]:
    """Return the environment without OTEL_* and LABAN_* variables; without an endpoint, export is off."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LABAN_"))}
    if endpoint is None:
        return kept | {"OTEL_TRACES_EXPORTER": "none"}
    return kept | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}


@contextmanager
def running(argv: Sequence[str], endpoint: str | None) -> Generator[subprocess.Popen[str]]:
    """Run a process with pipes for its input and output; kill it at the end of the block."""
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(endpoint)
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(process: subprocess.Popen[str], line: str) -> str:
    """Write a line to a running process and return the line that it prints."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline()


@contextmanager
def sink() -> Generator[str]:
    """Run a server that accepts OTLP over HTTP and drops it; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the base class
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
