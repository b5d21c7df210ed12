"""A small HTTP server in a thread, for the programs that call one; it uses no library that is traced."""

import json
from collections.abc import Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """Answer until the client closes; one that resets a kept connection at its end is no error."""
        with suppress(ConnectionResetError):
            super().handle()

    def do_GET(self) -> None:
        self._answer(404 if self.path == "/missing" else 200, f"GET {self.path}")

    def do_POST(self) -> None:
        self._answer(201, self.rfile.read(int(self.headers["Content-Length"])).decode())

    def do_PUT(self) -> None:
        self.do_POST()

    def do_HEAD(self) -> None:
        self._answer(200, "")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Elastic-Product", "Elasticsearch")
        body = json.dumps({"said": text}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
        pass


@contextmanager
def serving() -> Generator[str]:
    """The URL of a server that answers what it is asked, and 404 at /missing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
