import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from laban_app.answers.remote import RemoteAnswers
from laban_app.answers.remote_writer import RemoteWriter
from laban_app.errors import CollectorUnreachable, RequestRefused
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.base import Written

from ...collector.requests import body, span

Answer = tuple[int, object, dict[str, str]]
"""Status, JSON and headers."""

BATCH = decode([body(span())], KeyFinder()).batch
STORED: Answer = (200, {"stored": 1, "duplicates": 0}, {})
FULL = {"error": "full"}


@contextmanager
def answering(*answers: Answer) -> Generator[RemoteAnswers, None, None]:
    """A server that gives these answers one after the other, and then closes the connection."""
    left = iter(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, document, headers = next(left, (0, None, {}))
            if not status:
                self.close_connection = True
                return
            text = json.dumps(document).encode()
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(text))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            with RemoteAnswers(f"http://127.0.0.1:{server.server_address[1]}") as remote:
                yield remote
        finally:
            server.shutdown()
            thread.join()


def test_a_batch_is_sent_again_when_the_collector_says_to_retry(slept: list[float]) -> None:
    with answering((503, FULL, {"retry-after": "7"}), (429, FULL, {}), STORED) as remote:
        assert RemoteWriter(remote, slept.append).write(BATCH) == Written(1, 0)
    assert slept == [7.0, 1.0]


def test_retries_end_after_a_total_wait(slept: list[float]) -> None:
    with (
        answering(*[(503, FULL, {"retry-after": "9999"})] * 9) as remote,
        pytest.raises(RequestRefused, match="503: full"),
    ):
        RemoteWriter(remote, slept.append).write(BATCH)
    assert slept == [60.0] * 5


def test_a_single_span_that_is_too_large_is_an_error(slept: list[float]) -> None:
    with (
        answering((413, {"error": "too large"}, {})) as remote,
        pytest.raises(RequestRefused, match="too large"),
    ):
        RemoteWriter(remote, slept.append).write(BATCH)
    assert slept == []


def test_a_batch_without_a_response_is_not_sent_again(slept: list[float]) -> None:
    """The batch may be stored: sent again, it would count as a duplicate."""
    with answering() as remote, pytest.raises(CollectorUnreachable, match="nothing is stored twice"):
        RemoteWriter(remote, slept.append).write(BATCH)


@pytest.fixture
def slept() -> list[float]:
    return []
