"""The private parts of uvicorn that the fast path builds on."""

import logging
import socket
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http import httptools_impl

from laban_collector.address import Address
from laban_collector.receive import uvicorn_contract
from laban_collector.receive.access import Access
from laban_collector.receive.http import HttpReceiver

from ..receivers import Inbox, started

REQUEST = (
    b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n"
    b"content-length: 4\r\n\r\nbody"
)


class OtherCycle(httptools_impl.RequestResponseCycle):
    """A later version, with one more parameter."""

    def __init__(self, *, priority: int = 0, **parameters: Any) -> None:
        super().__init__(**parameters)


def test_this_uvicorn_has_all_that_the_fast_path_builds_on() -> None:
    differences = uvicorn_contract.differences()
    assert not differences, f"uvicorn {uvicorn.__version__}: {'; '.join(differences)}"


def test_differences_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httptools_impl, "RequestResponseCycle", OtherCycle)
    monkeypatch.delattr(httptools_impl.HttpToolsProtocol, "on_response_complete")
    monkeypatch.setattr(httptools_impl, "STATUS_LINE", {200: "HTTP/1.1 200"})
    lacking, *others = uvicorn_contract.differences()
    assert lacking.startswith("RequestResponseCycle() parameters lack access_log, access_logger")
    assert others == [
        "RequestResponseCycle() parameters have new parameters, priority",
        "HttpToolsProtocol methods lack on_response_complete",
        "STATUS_LINE has other lines",
    ]


def test_a_missing_class_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(httptools_impl, "RequestResponseCycle")
    [difference] = uvicorn_contract.differences()
    assert "RequestResponseCycle" in difference


def test_with_another_uvicorn_requests_take_the_slow_path_and_one_line_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(httptools_impl, "RequestResponseCycle", OtherCycle)
    inbox = Inbox()
    with caplog.at_level(logging.WARNING):
        receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())
    with started(receiver) as address, socket.create_connection(address, timeout=10) as connected:
        connected.sendall(REQUEST)
        assert connected.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    assert inbox.bodies == [b"body"]
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert f"uvicorn {uvicorn.__version__}" in record.getMessage()
    assert "priority" in record.getMessage()
