"""ASGI helpers: request headers, responses, and request bodies decompressed up to a size limit."""

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, Protocol

import zstandard

from laban_collector.errors import RequestTooLarge, UndecodableRequest

Message = MutableMapping[str, Any]
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

CONTENT_ENCODINGS: Final = ("gzip", "zstd", "identity")
"""Accepted content encodings."""

_GZIP: Final = zlib.MAX_WBITS | 16
_ZSTD_WINDOW: Final = 8 << 20
"""Bytes. RFC 8878 asks every decoder to support this window."""
# zstandard expands all of its input, up to 32,000 times: 256 bytes become at most 8 MB.
_ZSTD_STEP: Final = 256


class Disconnected(Exception):
    """The sender closed the connection before the body was complete."""


class _Decompressor(Protocol):
    def feed(self, chunk: bytes, remaining: int) -> bytes:
        """Decompress a chunk; may stop as soon as the output exceeds `remaining` bytes."""
        ...

    def finish(self) -> None:
        """Check that the body is complete."""
        ...


def header(scope: Scope, name: bytes) -> str:
    """Return the value of a header (`name` in lower case, as in ASGI), or '' if it is missing."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return ""


async def respond(
    send: Send, status: int, body: bytes, content_type: str, headers: Headers | None = None
) -> None:
    """Send a complete response."""
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *(headers or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive: Receive, encoding: str, limit: int, reserve: Callable[[int], None]) -> bytes:
    """Read and decompress the body of a request.

    Args:
        receive: the ASGI callable.
        encoding: one of `CONTENT_ENCODINGS`.
        limit: maximum size in bytes, both compressed and decompressed.
        reserve: called with the number of bytes of each decompressed part; may raise to stop reading.

    Raises:
        RequestTooLarge: the body is over the limit; the rest of it is not read.
        UndecodableRequest: the body is not valid gzip or zstd.
        Disconnected: the sender closed the connection.
    """
    decompressor = _DECOMPRESSORS[encoding]()
    parts: list[bytes] = []
    sent = size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        sent += len(chunk)
        part = decompressor.feed(chunk, limit - size)
        size += len(part)
        if max(size, sent) > limit:
            raise too_large(limit)
        reserve(len(part))
        parts.append(part)
        more = message.get("more_body", False)
    decompressor.finish()
    return b"".join(parts)


def decompressed(body: bytes, limit: int) -> bytes:
    """Return the content of a file, which may be compressed with gzip or zstd.

    Raises:
        RequestTooLarge: the content is over the limit, in bytes.
        UndecodableRequest: it is damaged.
    """
    encoding = next((name for magic, name in _MAGIC.items() if body.startswith(magic)), "identity")
    decompressor = _DECOMPRESSORS[encoding]()
    content = decompressor.feed(body, limit)
    if len(content) > limit:
        raise too_large(limit)
    decompressor.finish()
    return content


def too_large(limit: int) -> RequestTooLarge:
    """Return the error for a request over the limit, in bytes."""
    return RequestTooLarge(
        f"The request is larger than {limit} bytes after decompression (max_request_bytes). "
        "Send smaller batches."
    )


class _Identity:
    def feed(self, chunk: bytes, remaining: int) -> bytes:  # noqa: ARG002 - the output is the input
        return chunk

    def finish(self) -> None:
        pass


class _Gunzip:
    """Decompresses one or more gzip members (RFC 1952)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    def feed(self, chunk: bytes, remaining: int) -> bytes:
        parts: list[bytes] = []
        while chunk and remaining >= 0:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            try:
                part = self._member.decompress(chunk, remaining + 1)
            except zlib.error as error:
                raise UndecodableRequest(f"The body is not gzip: {error}") from error
            parts.append(part)
            remaining -= len(part)
            chunk = self._member.unconsumed_tail or self._member.unused_data
        return b"".join(parts)

    def finish(self) -> None:
        if not self._member.eof:
            raise UndecodableRequest("The body is not gzip: it ends too early.")


class _Unzstd:
    """Decompresses one or more zstd frames (RFC 8878)."""

    def __init__(self) -> None:
        self._frame = _zstd_frame()

    def feed(self, chunk: bytes, remaining: int) -> bytes:
        parts: list[bytes] = []
        for at in range(0, len(chunk), _ZSTD_STEP):
            step = chunk[at : at + _ZSTD_STEP]
            while step and remaining >= 0:
                if self._frame.eof:
                    self._frame = _zstd_frame()
                try:
                    part = self._frame.decompress(step)
                except zstandard.ZstdError as error:
                    raise UndecodableRequest(f"The body is not zstd: {error}") from error
                parts.append(part)
                remaining -= len(part)
                step = self._frame.unused_data if self._frame.eof else b""
        return b"".join(parts)

    def finish(self) -> None:
        if not self._frame.eof:
            raise UndecodableRequest("The body is not zstd: it ends too early.")


def _zstd_frame() -> "zstandard.ZstdDecompressionObj":  # this name exists only in the stubs
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()


_MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_DECOMPRESSORS: Final[dict[str, Callable[[], _Decompressor]]] = {
    "identity": _Identity,
    "gzip": _Gunzip,
    "zstd": _Unzstd,
}
