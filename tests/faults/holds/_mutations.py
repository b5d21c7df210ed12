"""Random requests: valid ones, and valid ones with a few bytes, fields or lengths changed."""

import random
import struct
from collections.abc import Callable
from typing import Final

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from laban_collector.decode.protobuf_writer import tag, varint

from ...collector.requests import START, any_value, body

_BYTES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x12, 0x22)
_VALUES: Final[tuple[object, ...]] = (
    None,
    True,
    -1,
    2**63 - 1,
    1.5,
    float("nan"),
    b"\x00\xff",
    "é\u202e\x00",
    "x" * 300,
    [1, "a", [None]],
    {"a": {"b": [1.0, {}]}},
    [],
    {},
)
_KEYS: Final = (
    "order.id",
    "http.route",
    "k",
    "",
    "messaging.destination.name",
    "http.status_code",
    "password",
)
_IDS: Final = (b"", b"\0" * 8, b"\0" * 16, b"\1" * 7, b"\1" * 17)


def valid(chance: random.Random, number: int) -> bytes:
    """Return a request whose spans no other number has."""
    return body(*(_span(chance, number * 4 + one) for one in range(chance.randrange(1, 4))))


def mutated(chance: random.Random, sent: bytes, other: bytes) -> bytes:
    """Return a request with one to three changes."""
    for _ in range(chance.randrange(1, 4)):
        sent = chance.choice(_CHANGES)(chance, sent, other) if sent else other
    return sent


def _span(chance: random.Random, number: int) -> Span:
    odd = chance.random() < 0.2
    span = Span(
        trace_id=chance.choice(_IDS) if odd else struct.pack(">QQ", 0x1234, number // 8 + 1),
        span_id=struct.pack(">Q", number + 1),
        parent_span_id=chance.choice((b"", b"", struct.pack(">Q", number), b"\1\2")),
        name=chance.choice(("GET /", "é" * 5, "")),
        kind=chance.randrange(0, 8),  # type: ignore[arg-type]  # also numbers without a name
        start_time_unix_nano=START + number if chance.random() < 0.9 else chance.getrandbits(64),
        status=Status(code=chance.randrange(0, 3), message=""),  # type: ignore[arg-type]
        flags=chance.getrandbits(chance.choice((1, 8, 32))),
    )
    span.end_time_unix_nano = min(
        max(span.start_time_unix_nano + chance.randrange(-1000, 10**9), 0), 2**64 - 1
    )
    for _ in range(chance.randrange(0, 4)):
        span.attributes.add(key=chance.choice(_KEYS), value=any_value(chance.choice(_VALUES)))
    if chance.random() < 0.2:
        event = span.events.add(time_unix_nano=chance.choice((0, START, 2**63, 2**64 - 1)), name="e")
        event.attributes.add(key="k", value=any_value(chance.choice(_VALUES)))
        span.links.add(trace_id=chance.choice((*_IDS, b"\2" * 16)), span_id=chance.choice((*_IDS, b"\2" * 8)))
    return span


def _flip(chance: random.Random, sent: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(sent))
    return sent[:at] + bytes([sent[at] ^ 1 << chance.randrange(8)]) + sent[at + 1 :]


def _set(chance: random.Random, sent: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(sent))
    return sent[:at] + bytes([chance.choice(_BYTES)]) + sent[at + 1 :]


def _cut(chance: random.Random, sent: bytes, _: bytes) -> bytes:
    return sent[: chance.randrange(len(sent))]


def _delete(chance: random.Random, sent: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(sent))
    return sent[:at] + sent[at + chance.randrange(1, 20) :]


def _repeat(chance: random.Random, sent: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(sent))
    part = sent[at : at + chance.randrange(1, 40)]
    return sent[:at] + part + sent[at:]


def _insert(chance: random.Random, sent: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(sent) + 1)
    return sent[:at] + chance.randbytes(chance.randrange(1, 12)) + sent[at:]


def _splice(chance: random.Random, sent: bytes, other: bytes) -> bytes:
    return sent[: chance.randrange(len(sent))] + other[chance.randrange(len(other)) :]


def _append(chance: random.Random, sent: bytes, other: bytes) -> bytes:
    """Append a field: a request that protobuf merges, an unknown field, a group, or an overlong number."""
    field = chance.choice(
        (
            other,
            tag(99) + varint(3) + b"abc",
            tag(7, 0) + b"\xff" * 9 + b"\x01",
            tag(7, 0) + b"\x80" * 11 + b"\x00",
            tag(5, 3) + tag(5, 4),
            tag(5, 3),
            tag(1, 0) + b"\x01",
            tag(0),
            tag(1) + varint(2**31),
        )
    )
    return sent + field


_CHANGES: Final[tuple[Callable[[random.Random, bytes, bytes], bytes], ...]] = (
    _flip,
    _set,
    _cut,
    _delete,
    _repeat,
    _insert,
    _splice,
    _append,
)
