"""Exports that come whole in one read are answered here; uvicorn and ASGI take three times as long for one.

What is not plain protobuf to be stored, or comes in parts, or behind another request that is not answered
yet, is left to them: nothing is refused here that they would accept, or the other way round.
"""

import asyncio
from functools import partial
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from laban_collector.decode.results import Accepted, Outcome
from laban_collector.errors import CollectorError
from laban_collector.receive.access import Access
from laban_collector.receive.asgi import Headers
from laban_collector.receive.header_limits import BoundedHttp
from laban_collector.receive.intake import Intake
from laban_collector.receive.otlp_responses import PROTOBUF, TRACES_PATH, Refusal, acknowledge, refuse

_PATH: Final = TRACES_PATH.encode()
_TYPE: Final = PROTOBUF.content_type.encode()
_SPECIAL: Final = frozenset({b"content-encoding", b"expect", b"origin", b"transfer-encoding", b"upgrade"})
"""Headers of requests that ask for more than to be stored."""
_UNHEARD: Final = asyncio.Event()
"""Set by uvicorn for whoever waits for parts of a body: nobody does, for it is whole."""


def whole_requests(intake: Intake, access: Access) -> "type[WholeRequests]":
    """The protocol of a receiver's connections."""

    class Bound(WholeRequests):
        _intake = intake
        _access = access

    return Bound


class WholeRequests(BoundedHttp):
    """One connection."""

    _intake: ClassVar[Intake]
    _access: ClassVar[Access]

    _held: list[bytes] | None = None
    """The body of a plain request of which it is not known yet whether it comes whole."""

    def data_received(self, data: bytes) -> None:
        """Parse, and answer or pass on what is there."""
        super().data_received(data)
        if self._held is not None:
            body = self._let_go()
            if not self.transport.is_closing():
                self._pass_on(body)

    def on_headers_complete(self) -> None:
        """Wait for the body, of a plain request without telling ASGI yet."""
        if self._is_answered() and self._is_plain():
            self._end_head()
            self._held = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        """Hand on what is whole."""
        if self._held is None:
            super().on_message_complete()
            return
        body = self._let_go()
        if self._intake.is_small(len(body)):
            self._export(body)
        else:
            self._pass_on(body)
            super().on_message_complete()

    def _let_go(self) -> bytes:
        body, self._held = b"".join(self._held or ()), None
        return body

    def _pass_on(self, body: bytes) -> None:
        """Leave the request to ASGI from its head on, with so much of its body."""
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _is_answered(self) -> bool:
        """Whether nothing on this connection waits for an answer."""
        return not self.cycle or self.cycle.response_complete

    def _is_plain(self) -> bool:
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
            and _SPECIAL.isdisjoint(fields)
            and self._access.serves_host(fields.get(b"host", b"").decode("latin-1"))
            and self._access.knows(fields.get(b"authorization", b"").decode("latin-1"))
        )

    def _export(self, body: bytes) -> None:
        """Hand a request on; until it is answered, uvicorn puts others that come behind it."""
        # One of uvicorn's own, which it tells when the sender goes away or the server stops.
        self.cycle = cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=_UNHEARD,
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        try:
            self._intake.hand_on(body, partial(self._stored, cycle))
        except CollectorError as error:
            self._refuse(cycle, refuse(error))

    def _stored(self, cycle: RequestResponseCycle, outcome: Outcome) -> None:
        if isinstance(outcome, Accepted):
            self._answer(cycle, 200, acknowledge(outcome).SerializeToString(), [])
        else:
            self._refuse(cycle, refuse(outcome))

    def _refuse(self, cycle: RequestResponseCycle, refusal: Refusal) -> None:
        self._answer(cycle, refusal.http, refusal.status(), refusal.headers())

    def _answer(self, cycle: RequestResponseCycle, status: int, body: bytes, headers: Headers) -> None:
        cycle.response_complete = True
        if self.transport.is_closing():
            return
        own = [(b"content-type", _TYPE), (b"content-length", b"%d" % len(body)), *headers]
        if not cycle.keep_alive:
            own.append((b"connection", b"close"))
        lines = [b"%b: %b\r\n" % pair for pair in (*self.server_state.default_headers, *own)]
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
