"""A small HTTP server in this process that answers, stays silent, or fails at first."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service:
    """The requests that the server has received, and its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers: list[dict[str, str]] = []
        self.released = threading.Event()
        """/silent answers once it is set."""


@contextmanager
def http_serving() -> Generator[Service]:
    """A server on a free port.

    /flaky answers 503 twice, /moved redirects to /, /silent does not answer until the block ends.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.headers.append({name.lower(): value for name, value in self.headers.items()})
            if self.path == "/silent":
                service.released.wait(20)
            failing = self.path == "/flaky" and len(service.headers) <= 2
            moved = self.path == "/moved"
            self.send_response(503 if failing else 301 if moved else 200)
            if moved:
                self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = Service(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield service
    finally:
        service.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
