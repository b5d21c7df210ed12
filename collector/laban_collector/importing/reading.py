"""A file to chunks of work: unzipped, its kind told by its content, in bounded memory where it is lines."""

import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, NamedTuple

CHUNK_BYTES: Final = 8 << 20
"""About how much a chunk of lines or of messages holds."""

_READ_BYTES: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_JSON_START: Final = re.compile(rb'\s*(\{\s*["}]|\[\s*[\[\]{])')
_PREFIX: Final = 4
"""Bytes of the length before each message that the OpenTelemetry Collector's file exporter writes."""

_Stream = io.BufferedReader | gzip.GzipFile


class Kind(Enum):
    """What the parts of a chunk are."""

    LINES = "JSON, one document a line"
    DOCUMENT = "JSON, one document or several after each other"
    PROTOBUF = "OTLP protobuf messages"


class Chunk(NamedTuple):
    """Some of a file that can be decoded alone."""

    kind: Kind
    parts: list[bytes]


def chunks(file: io.BufferedReader, looks_whole: Callable[[bytes], bool]) -> Iterator[Chunk]:
    """Read a file piece by piece; nothing for an empty one.

    Lines and prefixed messages take bounded memory; a JSON document of many lines, and one protobuf message,
    have to be held whole.

    Args:
        file: as it lies on the disk, gzipped or not.
        looks_whole: whether a line is a whole document.

    Raises:
        OSError, EOFError, zlib.error: the file cannot be read, or its gzip is broken; perhaps halfway.
    """
    stream: _Stream = file
    if file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
        stream = gzip.GzipFile(fileobj=file)
    head = stream.peek(1)
    if head.startswith(_BOM):
        stream.read(len(_BOM))
        head = stream.peek(1)
    if head[:1] == b"\0":  # no message begins so, but the length of one that is shorter than 16 MiB does
        yield from _messages(stream)
    elif _JSON_START.match(head):
        yield from _json(stream, looks_whole)
    elif head:
        yield Chunk(Kind.PROTOBUF, [stream.read()])


def _json(stream: _Stream, looks_whole: Callable[[bytes], bool]) -> Iterator[Chunk]:
    """Lines if one of the first two is a whole document: the first may be damaged. Else one document."""
    blocks = _line_blocks(stream)
    first = next(blocks)
    if any(map(looks_whole, [line for line in first if line.strip()][:2])):
        yield Chunk(Kind.LINES, first)
        for block in blocks:
            yield Chunk(Kind.LINES, block)
    else:
        yield Chunk(Kind.DOCUMENT, [b"\n".join([*first, *(line for block in blocks for line in block)])])


def _line_blocks(stream: _Stream) -> Iterator[list[bytes]]:
    """Whole lines, some `CHUNK_BYTES` at a time."""
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
    """Some `CHUNK_BYTES` at a time, also what comes before the place where a file is broken."""
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
    """Messages, each after its length; what is left of one that was cut off comes last."""
    group: list[bytes] = []
    size = 0
    while prefix := stream.read(_PREFIX):
        group.append(stream.read(int.from_bytes(prefix)))
        size += len(group[-1])
        if size >= CHUNK_BYTES:
            yield Chunk(Kind.PROTOBUF, group)
            group, size = [], 0
    if group:
        yield Chunk(Kind.PROTOBUF, group)
