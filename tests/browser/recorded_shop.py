"""Spans of forty orders of a small shop, the input of the browser tests.

The tests send them over OTLP to a real `laban serve`; no answer is hand-made.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from laban.vocabulary import ORDER_ID
from laban_collector.store.rows import Lag, Span
from tests.mapper.shop_spans import MS, T0, hybrid_order, monolith_timeout, raised

ORDERS: Final = [str(number) for number in range(1001, 1041)]
SUCCESSFUL: Final = "1001"
TIMED_OUT: Final = "1002"
WAITING: Final = "1040"
HOSTILE: Final = "1004"
HOSTILE_TEXT: Final = "<img src=x onerror=alert(1)> ![](http://stranger.example/x.png)"
HOSTILE_END: Final = " https://stranger.example/y www.stranger.example a@stranger.example \u202eodd\x1b[2J"
"""What else is in the error of that order: addresses, a mark that reverses text, a command for a terminal."""

_INTERVAL_MS: Final = 15_000
_POLLS: Final = 20
_POLL_INTERVAL: Final = 30 * 1000 * MS


def all_orders() -> list[Span]:
    """Return the spans of all orders, 15 seconds apart."""
    return [span for at, order in enumerate(ORDERS) for span in spans_of(order, at)]


def spans_of(order: str, at: int, trace: int | None = None) -> list[Span]:
    """Return the spans of one order, the `at`-th in time, in its own trace or in trace number `trace`."""
    spans = monolith_timeout() if order == TIMED_OUT else hybrid_order()
    if order == WAITING:
        spans = [span for span in spans if span.service != "email"]
    if order == HOSTILE:
        spans = [_failed(span) if span.service == "payment" and span.kind == 5 else span for span in spans]
    trace_id = f"{trace or at + 1:032x}"
    moved = [
        replace(
            span,
            trace_id=trace_id,
            start=span.start + at * _INTERVAL_MS * MS,
            offset=None if span.offset is None else at,
        )
        for span in spans
    ]
    moved[0] = replace(moved[0], attributes={ORDER_ID: order})
    return moved


def lag_polls() -> list[Lag]:
    """Return readings of the lag poller: email stops after thirty orders, payment keeps up."""
    return [lag for poll in range(_POLLS) for lag in (_email(poll), _payment(poll))]


def end_of_recording() -> int:
    """Return the start of the last span, in nanoseconds."""
    return max(span.start for span in all_orders())


def _failed(span: Span) -> Span:
    return replace(span, status=2, events=raised("BankError", HOSTILE_TEXT + HOSTILE_END))


def _email(poll: int) -> Lag:
    end = 2 * (poll + 1)
    committed = min(end, 30)
    status = "OK" if committed == end else "STOP"
    return _lag("email", poll, committed, end, status)


def _payment(poll: int) -> Lag:
    return _lag("payment", poll, 2 * (poll + 1), 2 * (poll + 1), "OK")


def _lag(group: str, poll: int, committed: int, end: int, status: str) -> Lag:
    behind = end - committed
    time = T0 + poll * _POLL_INTERVAL
    return Lag(time, "shop", group, "orders", 0, committed, end, 0, behind, behind * 15.0, status)


def services(spans: Sequence[Span]) -> set[str]:
    """Return the services that sent these spans."""
    return {span.service for span in spans}
