"""The rows of the table of orders."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from urllib.parse import urlencode

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.order_timeline import DEFAULT_KEY
from laban_dashboard.presentation.status_labels import OUTCOME_LABELS
from laban_mapper.model import OrderSummary, Outcome
from laban_mapper.names import shortened
from laban_mapper.printable import printable

TONES: Final[dict[Outcome, str]] = {
    "ok": "good",
    "ok_with_errors": "warn",
    "failed": "bad",
    "waiting": "warn",
    "incomplete": "unknown",
}
_AXIS: Final = 4.0
"""The multiple of what is usual at the end of the axis of a bar."""
_LONG: Final = 1.5
"""The multiple from which on an order took longer than usual, in words; its inverse for shorter ones."""
_UNSURE: Final = timedelta(seconds=10)
"""For so long after its last span, an order that waits may have gone on without this page knowing."""
_KEY: Final = f"{DEFAULT_KEY}.id"
"""The key that the Order page looks for if the query names none."""


def orders_table_data(
    orders: Sequence[OrderSummary], now: datetime, timezone: tzinfo, known_until: datetime | None = None
) -> dict[str, object]:
    """The data for the component: one row per order, with a bar against what is usual for its entry.

    Args:
        orders: the orders.
        now: what ages are told from.
        timezone: that of the reader.
        known_until: until when an order that waits is known to wait: the end of a recording, else now.
    """
    until = min(now, known_until or now)
    return {"orders": [_row(order, now, timezone, _took(order, until)) for order in orders]}


def bars_caption(orders: Sequence[OrderSummary]) -> str:
    """What the bars mean; empty if nobody knows what is usual."""
    if not any(order.usual_ms for order in orders):
        return ""
    return f"Bars end at {_AXIS:.0f} × usual, the tick is at usual; ▸ took longer than that."


def order_query(order: OrderSummary) -> str:
    """What to enter on the Order page to open this order."""
    return query_of(order.key, order.value)


def query_of(key: str, value: str) -> str:
    """What to enter on the Order page to open the order with this value of a key."""
    return value if key == _KEY and "=" not in value else f"{key}={value}"


def _took(order: OrderSummary, until: datetime) -> float:
    """Milliseconds to the last span, or as long as the order has waited: its answer may be old."""
    if order.outcome != "waiting" or until - (order.last_seen or order.started) < _UNSURE:
        return order.duration_ms
    return max(order.duration_ms, (until - order.started).total_seconds() * 1000)


def _row(order: OrderSummary, now: datetime, timezone: tzinfo, took: float) -> dict[str, object]:
    query, seen = order_query(order), order.last_seen or order.started
    local, utc = seen.astimezone(timezone), seen.astimezone(UTC)
    services = [printable(service) for service in order.services]
    sentence = "" if order.cause is None else printable(order.cause.sentence)
    cause = formatting.in_timezone(sentence, seen, timezone)
    return {
        "id": printable(shortened(query, 60)),
        "query": query,
        "href": f"order?{urlencode({'order': query})}",
        "outcome": OUTCOME_LABELS.get(order.outcome, order.outcome),
        "tone": TONES[order.outcome],
        "took": formatting.duration(took),
        "compared": _compared(order, took),
        "cause": formatting.unbroken(cause),
        "cause_in_utc": "" if cause == sentence else sentence,
        "where": _where(order, services),
        "services": ", ".join(services),
        "seen": formatting.age(seen, now),
        "time": f"{local:%-d %b %Y %H:%M:%S} ({utc:%H:%M:%S} UTC)",
    }


def _compared(order: OrderSummary, took: float) -> dict[str, object] | None:
    """The bar of an order and what it says in words; None if nobody knows what is usual.

    The axis ends at four times what is usual. An order that still waits is compared only if it has taken
    longer than usual already.
    """
    if not order.usual_ms:
        return None
    ratio = took / order.usual_ms
    waits = order.outcome == "waiting"
    if waits and ratio < _LONG:
        return None
    shown = min(ratio, _AXIS) / _AXIS
    examples = formatting.count(order.usual_examples or 0, "trace")
    return {
        "until_usual": min(shown, 1 / _AXIS) if ratio >= _LONG else shown,
        "beyond": max(shown - 1 / _AXIS, 0.0) if ratio >= _LONG else 0.0,
        "usual": 1 / _AXIS,
        "longer": ratio > _AXIS,
        "words": _ratio(ratio) + (" so far" if waits else ""),
        "title": f"usually {formatting.duration(order.usual_ms)} ({examples})",
    }


def _ratio(ratio: float) -> str:
    if 1 / _LONG < ratio < _LONG:
        return "usual"
    digits = 0 if ratio >= 10 else 1 if ratio >= 0.095 else 2
    return f"{ratio:,.{digits}f} × usual"


def _where(order: OrderSummary, services: Sequence[str]) -> str:
    """The service that is blamed, or else how many services took part."""
    if order.cause is not None:
        return printable(order.cause.service)
    return services[0] if len(services) == 1 else formatting.count(len(services), "service")
