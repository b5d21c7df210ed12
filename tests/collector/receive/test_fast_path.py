"""The fast path: exports that arrive in one read, and requests that leave it."""

import socket
from collections.abc import Generator
from concurrent.futures import Future

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from laban_collector.address import Address
from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import Overloaded, StoreError
from laban_collector.receive.access import Access
from laban_collector.receive.http import HttpReceiver

from ..receivers import LIMIT, Inbox, started

HEAD = b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n"


def request(body: bytes, more: bytes = b"") -> bytes:
    return HEAD + more + b"content-length: %d\r\n\r\n" % len(body) + body


class Sender:
    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._stream = connected.makefile("rb")

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self._stream.readline().split()[1])
        fields = {}
        while (line := self._stream.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            fields[name] = value
        return status, fields, self._stream.read(int(fields["content-length"]))


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def sender(inbox: Inbox) -> Generator[Sender, None, None]:
    receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())
    with started(receiver) as address, socket.create_connection(address, timeout=10) as connected:
        yield Sender(connected)


@pytest.mark.parametrize("parts", [1, 2, 7, 200])
def test_a_request_in_any_number_of_parts_gets_the_same_response(
    sender: Sender, inbox: Inbox, parts: int
) -> None:
    sender.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sent = request(b"0123456789" * 10)
    step = -(-len(sent) // parts)
    for at in range(0, len(sent), step):
        sender.socket.sendall(sent[at : at + step])
    status, fields, body = sender.answer()
    assert (status, body) == (200, b"")
    assert fields["content-type"] == "application/x-protobuf"
    assert "date" in fields
    assert inbox.bodies == [b"0123456789" * 10]


def test_pipelined_requests_are_answered_in_order(sender: Sender, inbox: Inbox) -> None:
    inbox.pending = first = Future[AcceptedRequest]()
    gone = request(b"", b"content-encoding: none\r\n")
    sender.socket.sendall(request(b"first") + gone + request(b"third"))
    assert inbox.arrived.acquire(timeout=10)
    assert inbox.bodies == [b"first"]
    inbox.pending = None
    first.set_result(AcceptedRequest(1, 1, "one"))
    assert [sender.answer()[0] for _ in range(3)] == [200, 415, 200]
    assert inbox.bodies == [b"first", b"third"]


def test_a_refused_request_keeps_the_connection_open(sender: Sender, inbox: Inbox) -> None:
    inbox.refusal = Overloaded("full", 1.5)
    sender.socket.sendall(request(b"x"))
    status, fields, body = sender.answer()
    assert (status, fields["retry-after"], Status.FromString(body).message) == (503, "2", "full")
    inbox.refusal, inbox.answer = None, StoreError("broken")
    sender.socket.sendall(request(b"x"))
    assert sender.answer()[0] == 503
    inbox.answer = AcceptedRequest(1)
    sender.socket.sendall(request(b"x"))
    assert sender.answer()[0] == 200


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (b"origin: http://elsewhere.example\r\n", 403),
        (b"content-type: application/json\r\n", 200),  # the first one wins
        (b"connection: close\r\n", 200),
        (b"expect: 100-continue\r\n", 100),
    ],
)
def test_requests_with_special_headers_go_to_asgi(sender: Sender, more: bytes, status: int) -> None:
    sender.socket.sendall(request(b"x", more))
    if status == 100:
        assert sender.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        status = 200
    assert sender.answer()[0] == status


def test_a_body_over_the_limit_is_refused(sender: Sender, inbox: Inbox) -> None:
    sender.socket.sendall(request(bytes(LIMIT + 1)))
    assert sender.answer()[0] == 413
    assert not inbox.bodies


def test_a_sender_that_disconnects_does_not_affect_others(inbox: Inbox) -> None:
    inbox.pending = first = Future[AcceptedRequest]()
    receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())
    with started(receiver) as address:
        with socket.create_connection(address, timeout=10) as connected:
            connected.sendall(request(b"first"))
            assert inbox.arrived.acquire(timeout=10)
        first.set_result(AcceptedRequest(1))
        inbox.pending = None
        with socket.create_connection(address, timeout=10) as connected:
            connected.sendall(request(b"second"))
            assert Sender(connected).answer()[0] == 200


def test_a_stop_waits_for_unanswered_requests(inbox: Inbox) -> None:
    inbox.pending = first = Future[AcceptedRequest]()
    receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())
    with (
        inbox.answering(receiver) as (address, stop),
        socket.create_connection(address, timeout=10) as connected,
    ):
        connected.sendall(request(b"first"))
        assert inbox.arrived.acquire(timeout=10)
        stop()
        connected.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connected.recv(1)
        connected.settimeout(10)
        first.set_result(AcceptedRequest(1))
        status, fields, _ = Sender(connected).answer()
        assert (status, fields["connection"]) == (200, "close")
        assert connected.recv(1) == b""


def test_requests_without_the_token_are_refused(inbox: Inbox) -> None:
    receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), Access("secret"))
    with started(receiver) as address, socket.create_connection(address, timeout=10) as connected:
        sender = Sender(connected)
        for more, status in ((b"", 401), (b"authorization: Bearer secret\r\n", 200)):
            connected.sendall(request(b"x", more))
            assert sender.answer()[0] == status
    assert inbox.bodies == [b"x"]
