"""The rows of the table of orders."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
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
_KEY: Final = f"{DEFAULT_KEY}.id"
"""The key that the Order page looks for if the query names none."""


def orders_table_data(orders: Sequence[OrderSummary], now: datetime, timezone: tzinfo) -> dict[str, object]:
    """The data for the component: one row per order, with bars in proportion to the slowest order."""
    slowest = max((order.duration_ms for order in orders), default=0.0) or 1.0
    return {"orders": [_row(order, slowest, now, timezone) for order in orders]}


def order_query(order: OrderSummary) -> str:
    """What to enter on the Order page to open this order."""
    return query_of(order.key, order.value)


def query_of(key: str, value: str) -> str:
    """What to enter on the Order page to open the order with this value of a key."""
    return value if key == _KEY and "=" not in value else f"{key}={value}"


def _row(order: OrderSummary, slowest: float, now: datetime, timezone: tzinfo) -> dict[str, object]:
    query, seen = order_query(order), order.last_seen or order.started
    local, utc = seen.astimezone(timezone), seen.astimezone(UTC)
    services = [printable(service) for service in order.services]
    return {
        "id": printable(shortened(query, 60)),
        "query": query,
        "href": f"order?{urlencode({'order': query})}",
        "outcome": OUTCOME_LABELS.get(order.outcome, order.outcome),
        "tone": TONES[order.outcome],
        "took": formatting.duration(order.duration_ms),
        "share": min(order.duration_ms / slowest, 1.0),
        "cause": "" if order.cause is None else printable(order.cause.sentence),
        "where": _where(order, services),
        "services": ", ".join(services),
        "seen": formatting.age(seen, now),
        "time": f"{local:%-d %b %Y %H:%M:%S} ({utc:%H:%M:%S} UTC)",
    }


def _where(order: OrderSummary, services: Sequence[str]) -> str:
    """The service that is blamed, or else how many services took part."""
    if order.cause is not None:
        return printable(order.cause.service)
    return services[0] if len(services) == 1 else formatting.count(len(services), "service")
