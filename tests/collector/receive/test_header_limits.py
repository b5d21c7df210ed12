"""Limits on senders that start a request and do not complete it."""

import socket
from collections.abc import Generator

import pytest

from laban_collector.address import Address
from laban_collector.receive.access import Access
from laban_collector.receive.fast_path import HeaderLimitProtocol
from laban_collector.receive.http import HttpReceiver

from ..receivers import Inbox, started

HEAD = b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def connection(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Generator[socket.socket, None, None]:
    monkeypatch.setattr(HeaderLimitProtocol, "header_timeout", 0.2)
    receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(upload_timeout=0.2), Access())
    with started(receiver) as address, socket.create_connection(address, timeout=10) as connected:
        yield connected


def answer(connection: socket.socket) -> bytes:
    """Return everything received until the connection is closed."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("begun", [b"", HEAD[:10], HEAD])
def test_incomplete_headers_close_the_connection_after_the_timeout(
    connection: socket.socket, begun: bytes
) -> None:
    connection.sendall(begun)
    assert answer(connection) == b""


def test_headers_over_the_limit_are_refused(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"x: " + b"x" * (HeaderLimitProtocol.max_header_bytes - len(HEAD)))
    assert answer(connection).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_times_out_may_be_retried(connection: socket.socket, inbox: Inbox) -> None:
    connection.sendall(HEAD + b"content-length: 100\r\n\r\nhalf")
    answered = answer(connection)
    assert answered.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in answered
    assert not inbox.bodies


def test_a_connection_may_be_idle_between_requests(connection: socket.socket, inbox: Inbox) -> None:
    for _ in range(2):
        connection.sendall(HEAD + b"content-length: 1\r\n\r\nx")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        connection.settimeout(0.4)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
    assert inbox.bodies == [b"x", b"x"]
