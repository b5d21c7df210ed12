"""A message is stuck if it waits in a queue for longer than usual."""

from dataclasses import replace

import pytest

from laban_collector.store.rows import QueueProgress, Span
from laban_mapper.story.causes.facts import Claim
from laban_mapper.story.causes.stuck import stuck
from laban_mapper.story.messages import Consumption

from ...shop_spans import MS, T0, http_server, lag, process, publish
from .usual_traces import facts_of, many

S = 1000 * MS


def order() -> list[Span]:
    top = http_server("order", "POST /orders", 0, 50)
    sent = publish("order", "orders", 30, top, offset=1_209)
    return [top, sent, process("email", sent, 90, 10)]


def claims_after(
    waited: int,
    progress: QueueProgress | None = None,
    *,
    status: str = "WARN",
    members: int | None = None,
    usual: bool = False,
) -> list[Claim]:
    """The claims on an order whose message has waited for this time, when its group was polled."""
    polled = replace(
        lag("email", "orders", 5, 2_000), time=T0 + 30 * MS + waited, status=status, members=members
    )
    consumption = Consumption([polled], {"orders": {"email": "email"}}, [progress] if progress else [])
    now = polled.time + 3600 * S  # the poll tells nothing about now
    return stuck(facts_of(order()[:2], many(order) if usual else None, consumption=consumption, now=now))


def progress(committed: int | None, rate: float | None = None) -> QueueProgress:
    return QueueProgress("c", "email", "orders", 0, T0 - 3600 * S, committed, rate)


def test_a_group_that_moves_is_told_with_its_rate_and_the_time_to_the_message() -> None:
    [claim] = claims_after(260 * S, progress(T0, 3.2))
    assert claim.sentence == (
        "email has not read the message in orders for 4 min 20 s; 1,204 messages are ahead; "
        "group email reads 3.2 messages a second, so that takes about 6 min 17 s"
    )
    assert (claim.kind, claim.service) == ("stuck", "email")


@pytest.mark.parametrize(
    ("known", "status", "members", "end"),
    [
        (
            progress(T0 - 30 * S, 3.2),
            "STALL",
            2,
            "group email has committed nothing there since 14:12:50 UTC",
        ),
        (
            progress(T0 - 30 * S, 3.2),
            "STOP",
            0,
            "group email has no members and has committed nothing there since 14:12:50 UTC",
        ),
        (
            progress(None, 0.0),
            "WARN",
            None,
            "group email has committed nothing there since at least 13:13:20 UTC",
        ),
        (None, "WARN", None, "group email is 1,995 messages behind"),
    ],
)
def test_a_group_that_does_not_move_says_so_without_an_estimate(
    known: QueueProgress | None, status: str, members: int | None, end: str
) -> None:
    [claim] = claims_after(260 * S, known, status=status, members=members)
    assert claim.sentence.endswith(end)


def test_the_usual_wait_stands_beside_it() -> None:
    [claim] = claims_after(60 * S, usual=True)
    assert "for 1 min, usually 60 ms (40 traces)" in claim.sentence
    assert claim.examples == 40


def test_a_message_that_has_just_been_published_is_not_stuck() -> None:
    assert claims_after(9 * S) == []
