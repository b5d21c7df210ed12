"""What RabbitMQ writes on messages that it dead-letters: where they were first, why they left, how often.

https://www.rabbitmq.com/docs/dlx#effects: `x-death` has an entry for each queue and reason, the newest first.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span

from laban import vocabulary
from laban.fail_open import fail_open

_DEATHS: Final = "x-death"
_FIRST: Final = "x-first-death-"
_DELIVERIES: Final = "x-delivery-count"
"""Of quorum queues: how often the message was handed out before."""
_AFTER_A_HANDLER: Final = frozenset({"rejected", "delivery_limit"})
"""Reasons that a handler has given; what expires or does not fit in was not handled."""


def origin_attributes(headers: Mapping[str, Any] | None) -> dict[str, str | int]:
    """Where a message was first published, why it left the queue there, and which delivery this is.

    The first place is named as on spans: by the exchange, or by the queue behind the default exchange.
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


def mark(span: Span, headers: Mapping[str, Any] | None) -> None:
    """Say it on the span that handles the message."""
    with fail_open("cannot read where RabbitMQ's dead letters come from"):
        attributes = origin_attributes(headers)
        if attributes:
            span.set_attributes(attributes)


def _first_death(headers: Mapping[str, Any], deaths: list[Mapping[str, Any]]) -> dict[str, str | None]:
    oldest = deaths[-1] if deaths else {}
    names = ("exchange", "queue", "reason")
    return {name: _text(headers.get(_FIRST + name, oldest.get(name))) for name in names}


def _attempt(headers: Mapping[str, Any], deaths: list[Mapping[str, Any]]) -> int | None:
    counts = [death.get("count", 1) for death in deaths if _text(death.get("reason")) in _AFTER_A_HANDLER]
    counts.append(headers.get(_DELIVERIES, 0))
    before = sum(count for count in counts if isinstance(count, int) and count > 0)
    return before + 1 if before else None


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None
