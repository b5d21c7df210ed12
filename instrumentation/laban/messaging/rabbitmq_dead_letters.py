"""RabbitMQ's headers on dead-lettered messages: first destination, reason and number of deliveries.

https://www.rabbitmq.com/docs/dlx#effects: `x-death` has one entry per queue and reason, newest first.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span

from laban import vocabulary
from laban.fail_open import fail_open

_DEATHS: Final = "x-death"
_FIRST: Final = "x-first-death-"
_DELIVERIES: Final = "x-delivery-count"
"""On quorum queues: the number of earlier deliveries."""
_HANDLER_REASONS: Final = frozenset({"rejected", "delivery_limit"})
"""Reasons caused by a handler. A message that expires, or exceeds the queue's length, was not handled."""


def origin_attributes(headers: Mapping[str, Any] | None) -> dict[str, str | int]:
    """The first destination of a message, why it left the queue there, and the number of this delivery.

    The destination has the same name as on spans: the exchange, or the queue for the default exchange.
    """
    if not headers or not (_DEATHS in headers or _DELIVERIES in headers):
        return {}
    entries = headers.get(_DEATHS)
    deaths = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    first = _first_death(headers, deaths)
    found: dict[str, str | int | None] = {
        vocabulary.LABAN_DEAD_LETTER_TOPIC: first.get("exchange") or first.get("queue"),
        vocabulary.LABAN_DEAD_LETTER_REASON: first.get("reason"),
        vocabulary.LABAN_DELIVERY_ATTEMPT: _attempt(headers, deaths),
    }
    return {name: value for name, value in found.items() if value}


def set_origin(span: Span, headers: Mapping[str, Any] | None) -> None:
    """Set the origin of a dead-lettered message on the span that handles it."""
    with fail_open("cannot read the origin of RabbitMQ's dead letters"):
        attributes = origin_attributes(headers)
        if attributes:
            span.set_attributes(attributes)


def _first_death(headers: Mapping[str, Any], deaths: list[Mapping[str, Any]]) -> dict[str, str | None]:
    oldest = deaths[-1] if deaths else {}
    names = ("exchange", "queue", "reason")
    return {name: _text(headers.get(_FIRST + name, oldest.get(name))) for name in names}


def _attempt(headers: Mapping[str, Any], deaths: list[Mapping[str, Any]]) -> int | None:
    counts = [death.get("count", 1) for death in deaths if _text(death.get("reason")) in _HANDLER_REASONS]
    counts.append(headers.get(_DELIVERIES, 0))
    before = sum(count for count in counts if isinstance(count, int) and count > 0)
    return before + 1 if before else None


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None
