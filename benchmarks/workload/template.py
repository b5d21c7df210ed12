"""Request templates: overwriting a few bytes quickly gives a new request without duplicate spans."""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.trace.v1.trace_pb2 import Span

ROUND_DIGITS: Final = 4
"""The number of leading digits of an order ID that encode its round."""

Places = NDArray[np.int64]
"""Rows of a position in a request, and the number of rounds by which the value there is older."""


@dataclass(frozen=True)
class Template:
    """One request and the positions of the values that change from round to round.

    Attributes:
        body: the bytes of the request.
        spans: number of spans.
        ids: positions of the lower halves of trace IDs and of span IDs (also of parents and links).
        times: positions of times, 8 bytes each.
        orders: positions of order IDs, in ASCII digits.
        offsets: positions of the two upper bytes of offsets.
    """

    body: bytes
    spans: int
    ids: Places
    times: Places
    orders: Places
    offsets: Places

    def fresh(self, number: int, period: int) -> bytes:
        """Return the request of round `number`: new traces, new orders, `number` × `period` ns later."""
        body = np.frombuffer(self.body, np.uint8).copy()
        _add(body, self.ids[:, 0], number - self.ids[:, 1] << 40)
        _add(body, self.times[:, 0], (number - self.times[:, 1]) * period)
        at, rounds = self.orders[:, 0], number - self.orders[:, 1]
        for digit in range(ROUND_DIGITS):
            body[at + digit] = ord("0") + rounds // 10 ** (ROUND_DIGITS - 1 - digit) % 10
        at, rounds = self.offsets[:, 0], number - self.offsets[:, 1]
        body[at] = 0x80 | (rounds & 0x7F)
        body[at + 1] = 0x40 | (rounds >> 7 & 0x3F)
        return body.tobytes()


class Sent(NamedTuple):
    """A span to send.

    Attributes:
        service: the service that sends it.
        span: the span.
        order: its order ID, whose leading digits change with the round; empty if none.
        offset: the bytes of its message offset; empty if none.
        belongs: rounds between the round of its trace and the round in which it is sent.
        late: rounds between the time of the span and the round in which it is sent.
    """

    service: str
    span: Span
    order: str
    offset: bytes
    belongs: int
    late: int


def locate(body: bytes, sent: list[Sent]) -> Template:
    """Find the positions that change from round to round. In a span, they come after its trace ID."""
    ids: list[tuple[int, int]] = []
    times: list[tuple[int, int]] = []
    orders: list[tuple[int, int]] = []
    offsets: list[tuple[int, int]] = []
    at = 0
    for one in sent:
        span = one.span
        at = body.index(span.trace_id, at)
        end = at + span.ByteSize()
        for changing in _ids(span):
            ids += _all(body, changing, at, end, one.belongs)
        for time in {span.start_time_unix_nano, span.end_time_unix_nano}:
            times += _all(body, struct.pack("<Q", time), at, end, one.late)
        if one.order:
            orders += _all(body, one.order.encode(), at, end, one.belongs)
        if one.offset:
            offsets.append((body.index(one.offset, at, end) + 3, one.belongs))
        at += 16
    return Template(body, len(sent), *map(_as_places, (ids, times, orders, offsets)))


def _as_places(found: list[tuple[int, int]]) -> Places:
    return np.array(found, np.int64).reshape(-1, 2)


def _ids(span: Span) -> set[bytes]:
    """Return the 8-byte IDs of a span: span IDs and the lower halves of trace IDs."""
    linked = (part for link in span.links for part in (link.trace_id[8:], link.span_id))
    return {span.trace_id[8:], span.span_id, span.parent_span_id, *linked} - {b""}


def _all(body: bytes, part: bytes, begin: int, end: int, late: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = body.find(part, begin, end)
    while at >= 0:
        found.append((at, late))
        at = body.find(part, at + len(part), end)
    return found


def _add(body: NDArray[np.uint8], places: Places, amounts: Places) -> None:
    """Add to 8-byte little-endian integers in place, wrapping around."""
    at = places[:, None] + np.arange(8)
    numbers = body[at].view("<u8") + amounts.view(np.uint64)[:, None]
    body[at] = numbers.view(np.uint8)
