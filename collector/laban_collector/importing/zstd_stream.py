"""Files and messages that are compressed with zstd, with bounded memory.

The OpenTelemetry Collector's file exporter compresses each message after its length, or the whole file: one
frame, or one frame a message.
Source: opentelemetry-collector-contrib, `exporter/fileexporter`; RFC 8878.
"""

import gzip
import io
from typing import TYPE_CHECKING, Final

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"

_WINDOW: Final = 128 << 20
"""Bytes. Frames may ask for a window of this size, as with `zstd --long`; each takes as much memory."""
_STEP: Final = 256
"""Bytes decompressed at once. They give at most 8 MiB: 128 KiB for every 4 of them."""


class ZstdStream(io.RawIOBase):
    """The decompressed data of a file of one or more zstd frames.

    Raises:
        OSError: a frame is damaged.
        EOFError: the file ends inside of a frame.
    """

    def __init__(self, file: io.BufferedReader | gzip.GzipFile) -> None:
        self._file = file
        self._frame = _new_frame()
        self._sent = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill a part of the buffer; returns 0 at the end."""
        while not self._ready:
            self._sent = self._sent or self._file.read1(_STEP)
            if not self._sent:
                if not self._frame.eof:
                    raise EOFError("zstd ends before the end of a frame")
                return 0
            self._ready = memoryview(self._decompressed())
        target = memoryview(buffer).cast("B")
        size = min(len(target), len(self._ready))
        target[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _decompressed(self) -> bytes:
        if self._frame.eof:
            self._frame = _new_frame()
        try:
            part = self._frame.decompress(self._sent)
        except zstandard.ZstdError as error:
            raise OSError(f"zstd is damaged: {error}") from error
        self._sent = self._frame.unused_data if self._frame.eof else b""
        return part


def decompress_message(sent: bytes, limit: int) -> bytes:
    """Decompress a message of one or more frames; a damaged one is returned as it is.

    Raises:
        OSError: it is larger than the limit, in bytes.
    """
    parts: list[bytes] = []
    size = 0
    try:
        stream = ZstdStream(io.BufferedReader(io.BytesIO(sent)))
        while part := stream.read(1 << 20):
            size += len(part)
            if size > limit:
                break
            parts.append(part)
    except (OSError, EOFError):
        return sent
    if size > limit:
        raise OSError(f"a message of more than {limit} bytes when decompressed")
    return b"".join(parts)


def _new_frame() -> "zstandard.ZstdDecompressionObj":  # this name exists only in the stubs
    return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
