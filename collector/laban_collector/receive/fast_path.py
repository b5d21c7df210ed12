"""HTTP protocols on uvicorn: limits on request headers, and a fast path for exports that arrive in one read.

uvicorn and ASGI take three times as long as the fast path for one request. The fast path handles plain
protobuf exports only. A request that needs more, arrives in parts or follows an unanswered request is passed
on to uvicorn and ASGI. Both ways accept and refuse the same requests.
"""

import asyncio
import logging
from functools import partial
from typing import ClassVar, Final

import uvicorn
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from laban_collector.decode.results import AcceptedRequest, RequestOutcome
from laban_collector.errors import CollectorError
from laban_collector.receive import uvicorn_contract
from laban_collector.receive.access import Access
from laban_collector.receive.asgi import Headers
from laban_collector.receive.intake import Intake
from laban_collector.receive.otlp_responses import (
    PROTOBUF,
    TRACES_PATH,
    ErrorResponse,
    error_response,
    export_response,
)

_log = logging.getLogger(__name__)

_PATH: Final = TRACES_PATH.encode()
_TYPE: Final = PROTOBUF.content_type.encode()
_SPECIAL_HEADERS: Final = frozenset(
    {b"content-encoding", b"expect", b"origin", b"transfer-encoding", b"upgrade"}
)
"""Headers that the fast path does not handle."""
_NO_LISTENER: Final = asyncio.Event()
"""uvicorn sets this event for readers of a body that arrives in parts. The fast path has no such reader."""


class HeaderLimitProtocol(HttpToolsProtocol):
    """One HTTP connection, closed if the headers of a request are too long or too late.

    uvicorn itself buffers headers of any length and waits for them forever. The body has limits of its own.

    Attributes:
        max_header_bytes: bytes of the request line and the headers.
        header_timeout: seconds from the first byte of a request, or from connecting, to the end of its
            headers.
    """

    max_header_bytes: ClassVar[int] = 64 << 10
    header_timeout: ClassVar[float] = 10.0

    _awaiting_headers = False
    _header_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start to wait for the first request."""
        super().connection_made(transport)
        self._awaiting_headers = True
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
        self._end_headers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data, and count the bytes of incomplete headers."""
        super().data_received(data)
        if not self._awaiting_headers or self.transport.is_closing():
            return
        if self._deadline is None:  # most headers arrive in one read and need no deadline
            self._set_deadline()
        self._header_bytes += len(data)
        if self._header_bytes > self.max_header_bytes:
            self.send_400_response(f"The request headers are larger than {self.max_header_bytes} bytes.")

    def on_message_begin(self) -> None:
        """Start to wait for the headers of a request."""
        super().on_message_begin()
        self._end_headers()
        self._awaiting_headers = True
        self._header_bytes = 0

    def on_headers_complete(self) -> None:
        """Cancel the deadline."""
        self._end_headers()
        super().on_headers_complete()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.header_timeout, self.transport.close)

    def _end_headers(self) -> None:
        self._awaiting_headers = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def receiver_protocol(intake: Intake, access: Access) -> type[HeaderLimitProtocol]:
    """Return the protocol class for the connections of one receiver.

    The fast path builds on private parts of uvicorn. If they differ from what it expects, the class comes
    without the fast path, and the difference is logged.
    """
    differences = uvicorn_contract.differences()
    if differences:
        _log.warning(
            "The fast path of OTLP/HTTP is off. uvicorn %s differs from what it builds on: %s.",
            uvicorn.__version__,
            "; ".join(differences),
        )
        return HeaderLimitProtocol

    class Protocol(FastPathProtocol):
        _intake = intake
        _access = access

    return Protocol


class FastPathProtocol(HeaderLimitProtocol):
    """One HTTP connection with the fast path."""

    _intake: ClassVar[Intake]
    _access: ClassVar[Access]

    _body_parts: list[bytes] | None = None
    """The body so far of a request that may take the fast path; None for any other request."""

    def data_received(self, data: bytes) -> None:
        """Parse the data; a request that is not complete after this read goes to ASGI."""
        super().data_received(data)
        if self._body_parts is not None:
            body = self._take_body()
            if not self.transport.is_closing():
                self._pass_to_asgi(body)

    def on_headers_complete(self) -> None:
        """Hold back a plain request from ASGI until its body is there."""
        if self._is_idle() and self._is_plain():
            self._end_headers()
            self._body_parts = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, or pass it on."""
        if self._body_parts is None:
            super().on_body(body)
        else:
            self._body_parts.append(body)

    def on_message_complete(self) -> None:
        """Submit a complete request."""
        if self._body_parts is None:
            super().on_message_complete()
            return
        body = self._take_body()
        if self._intake.is_surely_within_limits(len(body)):
            self._submit(body)
        else:
            self._pass_to_asgi(body)
            super().on_message_complete()

    def _take_body(self) -> bytes:
        body, self._body_parts = b"".join(self._body_parts or ()), None
        return body

    def _pass_to_asgi(self, body: bytes) -> None:
        """Let uvicorn handle the request from its headers on, with the body so far."""
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _is_idle(self) -> bool:
        """Whether every earlier request of this connection is answered."""
        return not self.cycle or self.cycle.response_complete

    def _is_plain(self) -> bool:
        """Whether a request is an authorized protobuf export without special headers."""
        parser = self.parser
        if (
            not parser
            or self.url != _PATH
            or parser.get_method() != b"POST"
            or parser.get_http_version() != "1.1"
            or not parser.should_keep_alive()
        ):
            return False
        fields = dict(self.headers)
        return (
            len(fields) == len(self.headers)
            and fields.get(b"content-type") == _TYPE
            and _SPECIAL_HEADERS.isdisjoint(fields)
            and self._access.accepts_host(fields.get(b"host", b"").decode("latin-1"))
            and self._access.accepts_token(fields.get(b"authorization", b"").decode("latin-1"))
        )

    def _submit(self, body: bytes) -> None:
        """Submit an export; until it is answered, uvicorn queues the requests that follow."""
        # A cycle of uvicorn: uvicorn updates it when the sender disconnects or the server stops.
        self.cycle = cycle = httptools_impl.RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=_NO_LISTENER,
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        try:
            self._intake.submit(body, partial(self._answer, cycle))
        except CollectorError as error:
            self._answer(cycle, error)

    def _answer(self, cycle: "httptools_impl.RequestResponseCycle", outcome: RequestOutcome) -> None:
        if isinstance(outcome, AcceptedRequest):
            self._respond(cycle, 200, export_response(outcome).SerializeToString(), [])
        else:
            error: ErrorResponse = error_response(outcome)
            self._respond(cycle, error.http_status, error.status_bytes(), error.http_headers())

    def _respond(
        self, cycle: "httptools_impl.RequestResponseCycle", status: int, body: bytes, headers: Headers
    ) -> None:
        cycle.response_complete = True
        if self.transport.is_closing():
            return
        own = [(b"content-type", _TYPE), (b"content-length", b"%d" % len(body)), *headers]
        if not cycle.keep_alive:
            own.append((b"connection", b"close"))
        lines = [b"%b: %b\r\n" % pair for pair in (*self.server_state.default_headers, *own)]
        self.transport.write(b"".join((httptools_impl.STATUS_LINE[status], *lines, b"\r\n", body)))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
