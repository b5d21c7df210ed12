"""The body of an HTTP request: read whole, decompressed on the way, never beyond a limit."""

import zlib
from collections.abc import Callable
from typing import Final, Protocol

import zstandard

from laban_collector.errors import RequestTooLarge, UndecodableRequest
from laban_collector.receive.asgi import Receive

ENCODINGS: Final = ("gzip", "zstd", "identity")
"""Accepted content encodings."""

_GZIP: Final = zlib.MAX_WBITS | 16
_ZSTD_WINDOW: Final = 8 << 20
"""Bytes; what RFC 8878 asks every decoder to support."""
# zstandard expands all that it is given, some 32,000 times at most: 256 bytes become 8 MB and no more.
_ZSTD_STEP: Final = 256


class Disconnected(Exception):
    """The sender went away before the body was complete."""


class _Expander(Protocol):
    def feed(self, chunk: bytes, room: int) -> bytes:
        """Expand a chunk; may stop when there is more than `room`, which is bytes."""
        ...

    def finish(self) -> None:
        """Check that the body is complete."""
        ...


async def read_body(receive: Receive, encoding: str, limit: int, reserve: Callable[[int], None]) -> bytes:
    """Read the body of a request.

    Args:
        receive: ASGI's.
        encoding: one of `ENCODINGS`.
        limit: bytes, compressed and decompressed.
        reserve: told of the bytes that are kept, as they come; may raise, to end it.

    Raises:
        RequestTooLarge: over the limit; read no further than that.
        UndecodableRequest: it is not the gzip or zstd that it claims to be.
        Disconnected: the sender went away.
    """
    expander = _EXPANDERS[encoding]()
    parts: list[bytes] = []
    sent = size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        sent += len(chunk)
        part = expander.feed(chunk, limit - size)
        size += len(part)
        if max(size, sent) > limit:
            raise too_large(limit)
        reserve(len(part))
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


class _Unzstd:
    """One or more zstd frames, as RFC 8878 allows."""

    def __init__(self) -> None:
        self._frame = _zstd_frame()

    def feed(self, chunk: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        for at in range(0, len(chunk), _ZSTD_STEP):
            step = chunk[at : at + _ZSTD_STEP]
            while step and room >= 0:
                if self._frame.eof:
                    self._frame = _zstd_frame()
                try:
                    part = self._frame.decompress(step)
                except zstandard.ZstdError as error:
                    raise UndecodableRequest(f"The body is not zstd: {error}") from error
                parts.append(part)
                room -= len(part)
                step = self._frame.unused_data if self._frame.eof else b""
        return b"".join(parts)

    def finish(self) -> None:
        if not self._frame.eof:
            raise UndecodableRequest("The body is not zstd: it ends too early.")


def _zstd_frame() -> "zstandard.ZstdDecompressionObj":  # a name that only its stubs have
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()


_EXPANDERS: Final[dict[str, Callable[[], _Expander]]] = {
    "identity": _Identity,
    "gzip": _Gunzip,
    "zstd": _Unzstd,
}
