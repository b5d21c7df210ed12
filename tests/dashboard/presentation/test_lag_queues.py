import pytest

from laban_dashboard.presentation.lag_queues import (
    drain,
    known_line,
    queue_line,
    rates,
    waiting_rows,
    worst_queues,
)
from laban_mapper.model import GroupLag, LagStatus, WaitingTopic
from tests.dashboard.shop_answers import ShopAnswers, shop_queue

QUEUE = shop_queue()


def group(*topics: WaitingTopic, status: LagStatus = "STOP") -> GroupLag:
    (email,) = [one for one in ShopAnswers().waiting().groups if one.group == "email"]
    return email.model_copy(update={"waiting": list(topics), "status": status})


def queue(**changed: object) -> WaitingTopic:
    return QUEUE.model_copy(update=changed)


def test_rates_are_those_of_all_topics_and_unknown_if_one_is_unknown() -> None:
    assert rates([QUEUE]) == "3.2/s in, 0/s out"
    assert rates([QUEUE, queue(published_per_s=20.0, consumed_per_s=15.5)]) == "23/s in, 16/s out"
    assert "unknown" in rates([QUEUE, queue(published_per_s=None)])
    assert "unknown" in rates([])


@pytest.mark.parametrize(
    ("topics", "status", "told"),
    [
        ([QUEUE], "STOP", "never drains at this rate"),
        ([QUEUE], "OK", "never drains at this rate"),
        ([queue(consumed_per_s=3.1)], "OK", "keeps up"),
        ([queue(drain_s=90.0), queue(drain_s=30.0)], "OK", "drains in 1 min 30 s"),
        ([queue(consumed_per_s=None)], "STOP", "time to drain unknown"),
    ],
)
def test_the_time_to_drain_is_told_or_said_to_be_unknown(
    topics: list[WaitingTopic], status: LagStatus, told: str
) -> None:
    assert drain(group(*topics, status=status)) == told


def test_a_group_without_messages_has_nothing_to_drain() -> None:
    assert drain(group(status="OK").model_copy(update={"messages": 0})) == "nothing to drain"
    assert drain(group()) == "time to drain unknown"


def test_a_queue_says_what_is_known_of_it() -> None:
    assert queue_line(QUEUE) == "272 messages waiting, 3.2/s in, 0/s out"
    assert "7 more processed but not committed" in queue_line(queue(processed=7))
    assert "drains in 10.0 s" in queue_line(queue(drain_s=10.0))
    assert known_line(QUEUE, 2) == "2 of 272 waiting messages are known by a span."
    assert known_line(queue(left_out=3), 2).endswith("; the oldest 2 are shown.")


def test_messages_that_wait_link_to_their_order_or_to_their_trace() -> None:
    first, second = waiting_rows(QUEUE, 10)
    assert (first.label, first.query) == ("order 1001", "1001")
    assert first.details == "waits 42.0 s · by order · 0@860"
    assert second.label == "key m-1"
    assert second.query == f"trace={QUEUE.oldest[1].trace_id}"
    assert len(list(waiting_rows(QUEUE, 1))) == 1


def test_queues_that_do_not_keep_up_come_first() -> None:
    slow = group(queue(topic="slow", messages=5), status="STALL")
    busy = group(queue(topic="busy", messages=900), queue(topic="done", messages=3, processed=3), status="OK")
    assert [topic.topic for _, topic in worst_queues([busy, slow])] == ["slow", "busy"]
