"""HTTP on uvicorn with bounds for what comes before a body: uvicorn keeps any amount, and waits for ever."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedHttp(HttpToolsProtocol):
    """One connection; closed when the head of a request is too long or too late.

    Attributes:
        max_head: bytes of the request line and the headers.
        head_timeout: seconds from the first byte of a request, or from connecting, to the end of its headers.
    """

    max_head: ClassVar[int] = 64 << 10
    head_timeout: ClassVar[float] = 10.0

    _awaiting_head = False
    _head = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._awaiting_head = True
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what is not parsed to the end."""
        super().data_received(data)
        if not self._awaiting_head or self.transport.is_closing():
            return
        if self._deadline is None:  # not for heads that come whole, which are most
            self._set_deadline()
        self._head += len(data)
        if self._head > self.max_head:
            self.send_400_response(f"The head of a request may have {self.max_head} bytes.")

    def on_message_begin(self) -> None:
        """Begin to wait for the headers."""
        super().on_message_begin()
        self._end_head()
        self._awaiting_head = True
        self._head = 0

    def on_headers_complete(self) -> None:
        """Wait for the body instead, which has bounds of its own."""
        self._end_head()
        super().on_headers_complete()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.head_timeout, self.transport.close)

    def _end_head(self) -> None:
        self._awaiting_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
