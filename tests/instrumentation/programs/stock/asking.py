"""Asks a server in this process, over plain sockets, and prints its answers."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server


def ask(port: int, *paths: str) -> None:
    """Print status and body of each path."""
    for path in paths:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        print(path, answer.status, answer.read().decode()[:200])
        connection.close()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
        pass


@contextmanager
def serving(application: Callable[..., object]) -> Generator[int]:
    """The port at which a WSGI application is served."""
    with make_server("127.0.0.1", 0, application, handler_class=_Quiet) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
