from dataclasses import replace

import pytest

from laban_collector.store.rows import Span
from laban_mapper.findings.group_stopped import RULE as STOPPED
from laban_mapper.findings.latency_objective import RULE as LATENCY
from laban_mapper.findings.missing_consumer import RULE as MISSING
from laban_mapper.findings.queue_objective import RULE as QUEUE
from laban_mapper.findings.thresholds import Objectives
from tests.mapper.shop_spans import lag

from .message_systems import created_order, found_by, system, usual_order


def without_email(number: int) -> list[Span]:
    return [span for span in usual_order(number) if span.service != "email"]


def test_a_group_that_does_not_move_is_an_error_with_the_messages_that_wait() -> None:
    stopped = replace(lag("email", "orders", 100, 140, 95.0), status="STOP", members=1)
    orders = [usual_order(0), *(list(created_order(number)) for number in range(1, 4))]
    (found,) = found_by(STOPPED, system(orders, polled=[stopped]))
    assert found.place == "group email"
    assert found.sentence == "email commits nothing; 40 messages of orders wait, the oldest for 1 min 35 s"
    assert found.numbers == {"messages": 40, "partitions": 1, "seconds": 95.0}
    assert found.traces == [f"{number:032x}" for number in range(2, 5)]


def test_a_group_with_members_that_commits_nothing_is_told_so() -> None:
    stalled = replace(lag("email", "orders", 100, 101), status="STALL", members=2)
    (found,) = found_by(STOPPED, system([], polled=[stalled]))
    assert found.sentence == ("email commits nothing, although it has 2 members; 1 message of orders waits")
    (unknown,) = found_by(STOPPED, system([], polled=[replace(stalled, members=None)]))
    assert unknown.sentence == "email commits nothing; 1 message of orders waits"


def test_messages_of_partitions_in_which_the_group_works_are_counted_too() -> None:
    stalled = replace(lag("email", "orders", 100, 140), status="STALL", members=1)
    busy = replace(stalled, partition=1, status="OK", messages=20)
    (found,) = found_by(STOPPED, system([], polled=[stalled, busy]))
    assert found.sentence == (
        "email commits nothing in 1 of 2 partitions, although it has 1 member; 60 messages of orders wait"
    )


def test_a_group_without_members_is_told_so() -> None:
    stopped = replace(lag("email", "orders", 100, 101), status="STOP", members=0)
    (found,) = found_by(STOPPED, system([], polled=[stopped]))
    assert found.sentence == "email has no members and commits nothing; 1 message of orders waits"


@pytest.mark.parametrize(("status", "waiting"), [("OK", 3), ("WARN", 3), ("STOP", 0), ("REWIND", 3)])
def test_a_group_that_moves_or_has_nothing_to_read_is_no_finding(status: str, waiting: int) -> None:
    polled = replace(lag("email", "orders", 100, 100 + waiting), status=status)
    assert not found_by(STOPPED, system([], polled=[polled]))


def test_a_group_that_processes_none_of_the_newest_messages_any_more_is_missing() -> None:
    orders = [usual_order(number) for number in range(40)] + [
        without_email(number) for number in range(40, 46)
    ]
    (found,) = found_by(MISSING, system(orders))
    assert found.place == "orders → group email"
    assert found.sentence == (
        "email has processed none of the newest 6 sampled messages of orders, but 40 of the 40 before"
    )
    assert found.traces == [f"{number:032x}" for number in range(46, 41, -1)]


def test_committed_messages_without_a_span_are_told() -> None:
    orders = [usual_order(number) for number in range(40)] + [
        without_email(number) for number in range(40, 46)
    ]
    (found,) = found_by(MISSING, system(orders, polled=[lag("email", "orders", 400, 400)]))
    assert found.sentence.endswith("; it has committed 6 of them")


def test_four_messages_in_a_row_or_messages_now_and_then_are_no_missing_consumer() -> None:
    few = [usual_order(number) for number in range(40)] + [without_email(number) for number in range(40, 44)]
    assert not found_by(MISSING, system(few))
    some = [without_email(number) if number % 10 == 9 else usual_order(number) for number in range(60)]
    assert not found_by(MISSING, system(some))


def test_messages_of_the_last_minute_may_still_be_processed() -> None:
    orders = [usual_order(number) for number in range(40)] + [
        without_email(number) for number in range(40, 46)
    ]
    assert not found_by(MISSING, system(orders, after=30))


def test_messages_that_wait_in_the_queue_belong_to_another_rule() -> None:
    orders = [usual_order(number) for number in range(40)] + [
        without_email(number) for number in range(40, 46)
    ]
    assert not found_by(MISSING, system(orders, polled=[lag("email", "orders", 140, 146)]))


def test_too_few_messages_before_tell_nothing() -> None:
    orders = [usual_order(number) for number in range(19)] + [
        without_email(number) for number in range(19, 26)
    ]
    assert not found_by(MISSING, system(orders))


def test_a_promised_time_in_queue_is_compared_with_waits_and_with_now() -> None:
    orders = [usual_order(number) for number in range(25)]
    objectives = Objectives(queue={"email": 0.02, "payment": 10.0})
    (found,) = found_by(QUEUE, system(orders, objectives=objectives))
    assert found.sentence == "email: 95 % of 25 sampled messages waited up to 30 ms; promised are 20 ms"
    polled = [lag("payment", "orders", 100, 103, 12.0)]
    found = found_by(QUEUE, system(orders, polled=polled, objectives=objectives))[1]
    assert found.sentence == "payment: the oldest message waits for 12.0 s now; promised are 10.0 s"


def test_a_promise_that_is_kept_or_not_yet_measured_is_no_finding() -> None:
    objectives = Objectives(queue={"email": 0.5}, latency={"order POST /orders": 31.0})
    looked_at = system([usual_order(number) for number in range(25)], objectives=objectives)
    assert not found_by(QUEUE, looked_at)
    assert not found_by(LATENCY, looked_at)
    few = system(
        [usual_order(number) for number in range(19)],
        objectives=Objectives(queue={"email": 0.0001}, latency={"order POST /orders": 1.0}),
    )
    assert not found_by(QUEUE, few)
    assert not found_by(LATENCY, few)


def test_an_entry_that_is_slower_than_promised_is_found() -> None:
    objectives = Objectives(latency={"order POST /orders": 20.0})
    (found,) = found_by(LATENCY, system([usual_order(number) for number in range(25)], objectives=objectives))
    assert found.place == "order POST /orders"
    assert found.sentence == "95 % of 25 sampled requests took up to 30 ms; promised are 20 ms"
