"""Reading RabbitMQ's headers on dead letters."""

from datetime import UTC, datetime
from typing import Any

import pytest

from laban import vocabulary
from laban.messaging.rabbitmq_dead_letters import origin_attributes

TOPIC, REASON = vocabulary.LABAN_DEAD_LETTER_TOPIC, vocabulary.LABAN_DEAD_LETTER_REASON
ATTEMPT = vocabulary.LABAN_DELIVERY_ATTEMPT


def death(queue: str, reason: str, count: Any = 1, exchange: str = "") -> dict[str, Any]:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return {"queue": queue, "reason": reason, "count": count, "exchange": exchange, "time": when}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"kind": "created"}, {}),
        (
            {"x-death": [death("packing", "rejected", exchange="orders")]},
            {TOPIC: "orders", REASON: "rejected", ATTEMPT: 2},
        ),
        (  # published to the default exchange
            {"x-death": [death("packing", "rejected")]},
            {TOPIC: "packing", REASON: "rejected", ATTEMPT: 2},
        ),
        (  # tried three times, through a delay queue
            {"x-death": [death("later", "expired", 3, "retry"), death("packing", "rejected", 3, "orders")]},
            {TOPIC: "orders", REASON: "rejected", ATTEMPT: 4},
        ),
        (  # the broker's first-death headers win over a list that a program has changed
            {
                "x-death": [death("later", "expired")],
                "x-first-death-exchange": "orders",
                "x-first-death-queue": "packing",
                "x-first-death-reason": b"rejected",
            },
            {TOPIC: "orders", REASON: "rejected"},
        ),
        (  # not handled before
            {"x-death": [death("packing", "expired", exchange="orders")]},
            {TOPIC: "orders", REASON: "expired"},
        ),
        ({"x-delivery-count": 2}, {ATTEMPT: 3}),
        ({"x-delivery-count": 0}, {}),
        ({"x-death": "nonsense"}, {}),
        ({"x-death": [1, None]}, {}),
        ({"x-death": [{"queue": 1, "reason": "rejected", "count": "x"}]}, {REASON: "rejected"}),
    ],
)
def test_first_destination_reason_and_attempt_are_read(headers: Any, expected: dict[str, Any]) -> None:
    assert origin_attributes(headers) == expected
