"""Chunks of a file to import: decompressed, of a detected kind, and mostly of bounded size."""

import gzip
import io
import itertools
import re
import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, NamedTuple

from laban_collector.importing.console_output import DocumentFinder, is_console_output, is_text
from laban_collector.importing.zstd_stream import ZSTD_MAGIC, ZstdStream, decompress_message

CHUNK_BYTES: Final = 8 << 20
"""Approximate size of a chunk of lines or of messages."""

_READ_BYTES: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_JSON_START: Final = re.compile(rb'\s*(\{\s*["}]|\[\s*[\[\]{])')
_PREFIX: Final = 4
"""Bytes of the length that the OpenTelemetry Collector's file exporter writes before each message."""

MESSAGE_BYTES: Final = 256 << 20
"""Limit of a message, also decompressed. A longer one is a damaged length, or would fill the memory."""

_Stream = io.BufferedReader | gzip.GzipFile


class Kind(Enum):
    """The kind of the parts of a chunk."""

    LINES = "JSON, one document per line"
    CONSOLE = "JSON documents that were found among other lines"
    TEXT = "a text without JSON"
    DOCUMENT = "JSON, one or more concatenated documents"
    PROTOBUF = "OTLP protobuf messages"


class Chunk(NamedTuple):
    """A part of a file that can be decoded on its own; `other` lines between its parts were left out."""

    kind: Kind
    parts: list[bytes]
    other: int = 0


def chunks(file: io.BufferedReader, is_json_document: Callable[[bytes], bool]) -> Iterator[Chunk]:
    """Read a file chunk by chunk; an empty file has no chunks.

    Lines, console output and length-prefixed messages take bounded memory. A JSON document of many lines and
    a single protobuf message are read completely.

    Args:
        file: the file, compressed with gzip or zstd, or not.
        is_json_document: whether a line is a complete document.

    Raises:
        OSError, EOFError, zlib.error: the file cannot be read, or its gzip or zstd is damaged, possibly after
        some chunks.
    """
    stream: _Stream = file
    if file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
        stream = gzip.GzipFile(fileobj=file)
    if stream.peek(len(ZSTD_MAGIC)).startswith(ZSTD_MAGIC):
        stream = io.BufferedReader(ZstdStream(stream))
    head = stream.peek(1)
    if head.startswith(_BOM):
        stream.read(len(_BOM))
        head = stream.peek(1)
    if head[:1] == b"\0":  # the length of a message below 16 MiB; no message starts with it
        yield from _messages(stream)
    elif is_console_output(head):
        yield from _console_output(_line_blocks(stream))
    elif _JSON_START.match(head):
        yield from _json(stream, is_json_document)
    elif head and is_text(head):
        yield from _console_output(_line_blocks(stream))
    elif head:
        yield Chunk(Kind.PROTOBUF, [stream.read()])


def _console_output(blocks: Iterator[list[bytes]]) -> Iterator[Chunk]:
    """Yield the JSON documents among other lines; a text without any is named as such."""
    finder = DocumentFinder(CHUNK_BYTES)
    other, empty = 0, True
    for documents in itertools.chain(map(finder.find, blocks), [finder.end()]):
        found = list(documents)
        other += finder.take_other()
        if found:
            yield Chunk(Kind.CONSOLE, found, other)
            other, empty = 0, False
    if other:
        yield Chunk(Kind.TEXT, []) if empty else Chunk(Kind.CONSOLE, [], other)


def _json(stream: _Stream, is_json_document: Callable[[bytes], bool]) -> Iterator[Chunk]:
    """Yield lines if the first or second is a complete document (one may be damaged), else one document."""
    blocks = _line_blocks(stream)
    first = next(blocks)
    if any(map(is_json_document, [line for line in first if line.strip()][:2])):
        finder = DocumentFinder(CHUNK_BYTES)
        for block in itertools.chain([first], blocks):
            if finder.may_find(block):  # spans among structured log lines
                yield Chunk(Kind.CONSOLE, list(finder.find(block)), finder.take_other())
            else:
                yield Chunk(Kind.LINES, block)
        if damaged := list(finder.end()):
            yield Chunk(Kind.CONSOLE, damaged)
    else:
        yield Chunk(Kind.DOCUMENT, [b"\n".join([*first, *(line for block in blocks for line in block)])])


def _line_blocks(stream: _Stream) -> Iterator[list[bytes]]:
    """Yield complete lines, about `CHUNK_BYTES` at a time."""
    rest: list[bytes] = []
    for block in _blocks(stream):
        lines, newline, tail = block.rpartition(b"\n")
        if newline:
            yield b"".join([*rest, lines]).split(b"\n")
            rest = []
        rest.append(tail)
    if last := b"".join(rest):
        yield [last]


def _blocks(stream: _Stream) -> Iterator[bytes]:
    """Yield about `CHUNK_BYTES` at a time, including the data before a damaged position."""
    block = bytearray()
    try:
        while part := stream.read1(min(_READ_BYTES, CHUNK_BYTES)):
            block += part
            if len(block) >= CHUNK_BYTES:
                yield bytes(block)
                block.clear()
    except (OSError, EOFError, zlib.error):
        yield bytes(block)
        raise
    yield bytes(block)


def _messages(stream: _Stream) -> Iterator[Chunk]:
    """Yield length-prefixed messages, each compressed with zstd or not; the last one may be truncated."""
    group: list[bytes] = []
    size = 0
    try:
        while prefix := stream.read(_PREFIX):
            group.append(_message(stream, int.from_bytes(prefix)))
            size += len(group[-1])
            if size >= CHUNK_BYTES:
                yield Chunk(Kind.PROTOBUF, group)
                group, size = [], 0
    except (OSError, EOFError, zlib.error):
        yield Chunk(Kind.PROTOBUF, group)
        raise
    if group:
        yield Chunk(Kind.PROTOBUF, group)


def _message(stream: _Stream, length: int) -> bytes:
    if length > MESSAGE_BYTES:
        raise OSError(f"a message of {length} bytes; no message is larger than {MESSAGE_BYTES}")
    sent = stream.read(length)
    return decompress_message(sent, MESSAGE_BYTES) if sent.startswith(ZSTD_MAGIC) else sent
