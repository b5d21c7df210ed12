"""Orders of the shop as spans: some that go well, one that fails, and one whose texts are hostile."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from laban_collector.store.rows import Span

from ...collector.log_requests import log_body, record
from ...hostile import HOSTILE
from ...mapper.shop_spans import MS, T0, hybrid_order, monolith_timeout, publish, raised, span
from ..answers.test_local import named
from .injections import INJECTIONS

GOOD = 50
FAILED = "2001"
HOSTILE_ORDER = "h-1"
_MINUTE_NS = 60_000_000_000


def all_orders() -> list[Span]:
    """Orders 1001 to 1050, one a second; 2001 failed after them; then h-1."""
    spans = [
        one
        for number in range(GOOD)
        for one in moved(named(hybrid_order(), str(1001 + number)), number, number * 1_000_000_000)
    ]
    spans += moved(named(monolith_timeout(), FAILED), 100, _MINUTE_NS)
    return spans + moved(hostile_order(), 101, 2 * _MINUTE_NS)


def hostile_order() -> list[Span]:
    """An order in which every text of every span is hostile."""
    first = span("order", "POST /orders", 2, 0, 900, http_method="POST", http_route="/orders", status=2)
    first = replace(first, attributes={"order.id": HOSTILE_ORDER})
    spans = [first]
    for number, text in enumerate((*INJECTIONS, *HOSTILE[::4])):
        short = text[:20_000]
        inner = span(
            short or "x", short or "x", 3, 2 + 2 * number, 1, first,
            status=2, status_message=short, error_type=short[:200], events=raised(short, short, 2),
            attributes={short or "x": short, "note": short},
        )  # fmt: skip
        spans += [inner, publish(short or "x", short or "x", 500 + number, first, offset=number)]
    return spans


def logs_of_failed() -> bytes:
    """What pricing logged for order 2001: why it gave up, and hostile lines, as an OTLP request."""
    asking = moved(monolith_timeout(), 100, _MINUTE_NS)[5]
    lines = [("user did not answer", 17, 2_015), *((text, 9, 1_000) for text in INJECTIONS)]
    records = [
        record(
            body, trace_id=bytes.fromhex(asking.trace_id), span_id=bytes.fromhex(asking.span_id),
            time_unix_nano=T0 + _MINUTE_NS + at * MS, severity_number=number, severity_text="",
        )
        for body, number, at in lines
    ]  # fmt: skip
    return log_body(*records, resource={"service.name": "pricing"})


def moved(spans: Sequence[Span], number: int, later: int) -> list[Span]:
    """The spans in a trace of their own, with IDs of their own, later by some ns."""
    trace_id, ids = f"{number + 1:032x}", count(1)
    new = {one.span_id: f"{(number + 1) * 1_000_000 + next(ids):016x}" for one in spans}
    return [
        replace(
            one,
            trace_id=trace_id,
            span_id=new[one.span_id],
            parent_id=None if one.parent_id is None else new[one.parent_id],
            start=one.start + later,
            offset=None if one.offset is None else one.offset + number * 1_000,
            events=tuple(replace(event, time=event.time + later) for event in one.events),
        )
        for one in spans
    ]
