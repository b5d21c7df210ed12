"""The body of an HTTP request: read whole, decompressed on the way, never beyond a limit."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

from laban_collector.errors import RequestTooLarge, UndecodableRequest

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
"""ASGI 3."""

ENCODINGS: Final = ("gzip", "identity")
"""Accepted content encodings."""

_GZIP: Final = zlib.MAX_WBITS | 16


class Disconnected(Exception):  # noqa: N818 - not an error, the sender went away
    """The sender went away before the body was complete."""


class _Expander(Protocol):
    def feed(self, chunk: bytes, room: int) -> bytes:
        """Expand a chunk to at most `room` + 1 bytes."""
        ...

    def finish(self) -> None:
        """Check that the body is complete."""
        ...


async def read_body(receive: Receive, encoding: str, limit: int) -> bytes:
    """Read the body of a request.

    Args:
        receive: ASGI's.
        encoding: one of `ENCODINGS`.
        limit: bytes, compressed and decompressed.

    Raises:
        RequestTooLarge: over the limit; read no further than that.
        UndecodableRequest: it is not the gzip it claims to be.
        Disconnected: the sender went away.
    """
    expander: _Expander = _Gunzip() if encoding == "gzip" else _Identity()
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = expander.feed(message.get("body", b""), limit - size)
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
        more = message.get("more_body", False)
    expander.finish()
    return b"".join(parts)


def too_large(limit: int) -> RequestTooLarge:
    """The error of a request over the limit."""
    return RequestTooLarge(
        f"A request may have {limit} bytes after decompression (max_request_bytes): send smaller batches."
    )


class _Identity:
    def feed(self, chunk: bytes, room: int) -> bytes:  # noqa: ARG002 - nothing expands
        return chunk

    def finish(self) -> None:
        pass


class _Gunzip:
    """One or more gzip members, as RFC 1952 allows."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    def feed(self, chunk: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        while chunk and room >= 0:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            try:
                part = self._member.decompress(chunk, room + 1)
            except zlib.error as error:
                raise UndecodableRequest(f"The body is not gzip: {error}") from error
            parts.append(part)
            room -= len(part)
            chunk = self._member.unconsumed_tail or self._member.unused_data
        return b"".join(parts)

    def finish(self) -> None:
        if not self._member.eof:
            raise UndecodableRequest("The body is not gzip: it ends too early.")
