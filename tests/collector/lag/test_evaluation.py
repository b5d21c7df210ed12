import pytest

from laban_collector.lag.evaluation import LagTracker, Log, Offsets, Partition, Problem
from laban_collector.store.rows import Lag, LagProblem

SECOND = 1_000_000_000
FIRST = Partition("orders", 0)


def poll(end: int, committed: int | None, topic: str = "orders", start: int = 0) -> Offsets:
    partition = Partition(topic, 0)
    return Offsets({partition: Log(start, end)}, {"email": {partition: committed}})


def lags(tracker: LagTracker, time: int, offsets: Offsets) -> list[Lag]:
    return [row for row in tracker.observe(time, offsets) if isinstance(row, Lag)]


def test_the_tracker_returns_lag_in_messages_and_seconds() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(0, 0))
    [lag] = lags(tracker, 10 * SECOND, poll(100, 90))
    assert (lag.cluster, lag.group, lag.topic, lag.partition) == ("cluster", "email", "orders", 0)
    assert (lag.time, lag.committed, lag.end, lag.start) == (10 * SECOND, 90, 100, 0)
    assert (lag.messages, lag.seconds, lag.seconds_from, lag.status) == (10, 1.0, "interpolated", "OK")


def test_a_log_has_a_history_before_any_group_commits() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, Offsets({FIRST: Log(0, 0)}, {}))
    [lag] = lags(tracker, 10 * SECOND, poll(100, 50))
    assert lag.seconds == 5.0


def test_lag_is_unknown_without_a_commit() -> None:
    [lag] = lags(LagTracker("cluster"), 0, poll(7, None))
    assert (lag.committed, lag.messages, lag.seconds, lag.seconds_from) == (None, None, None, None)


def test_lag_without_messages_is_no_seconds() -> None:
    [lag] = lags(LagTracker("cluster"), 0, poll(7, 7))
    assert (lag.messages, lag.seconds, lag.seconds_from) == (0, 0.0, None)


def test_what_retention_deleted_is_lost_and_not_behind() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(40, 5))
    [lag] = lags(tracker, 10 * SECOND, poll(100, 5, start=70))
    assert (lag.messages, lag.lost, lag.seconds) == (30, 65, 5.0)


def test_the_timestamp_of_the_first_unread_message_is_better_than_a_guess() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(0, 0))
    read = poll(100, 90)._replace(times={("email", FIRST): 7 * SECOND})
    [lag] = lags(tracker, 10 * SECOND, read)
    assert (lag.seconds, lag.seconds_from) == (3.0, "message")


@pytest.mark.parametrize("written", [-1, 0, 99 * SECOND])
def test_an_impossible_timestamp_is_not_used(written: int) -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(0, 0))
    [lag] = lags(tracker, 10 * SECOND, poll(100, 90)._replace(times={("email", FIRST): written}))
    assert (lag.seconds, lag.seconds_from) == (1.0, "interpolated")


def test_the_members_of_a_group_are_told() -> None:
    [lag] = lags(LagTracker("cluster"), 0, poll(9, 9)._replace(members={"email": 3}))
    assert lag.members == 3
    [lag] = lags(LagTracker("cluster"), 0, poll(9, 9))
    assert lag.members is None


def test_a_recreated_topic_starts_a_new_history() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(0, 0))
    tracker.observe(10 * SECOND, poll(100, 100))
    [lag] = lags(tracker, 20 * SECOND, poll(5, 1))
    assert (lag.messages, lag.seconds, lag.status) == (4, None, "REWIND")


def test_a_deleted_partition_is_left_out_and_its_history_dropped() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(9, 0))
    assert tracker.observe(SECOND, Offsets({}, {"email": {FIRST: 0}})) == []
    [lag] = lags(tracker, 2 * SECOND, poll(9, 0))
    assert lag.seconds is None


NO_LEADER = Problem(None, "orders", 0, "no leader")


@pytest.mark.parametrize(
    "problem",
    [
        NO_LEADER,
        Problem(None, "orders", None, "not authorised"),
        Problem(None, None, None, "broker does not answer"),
    ],
)
def test_a_problem_is_told_and_keeps_the_history(problem: Problem) -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(0, 0))
    tracker.observe(10 * SECOND, poll(100, 0))
    rows = tracker.observe(20 * SECOND, Offsets({}, {"email": {FIRST: 0}}, [problem]))
    assert rows == [LagProblem(20 * SECOND, "cluster", *problem)]
    [lag] = lags(tracker, 30 * SECOND, poll(100, 50))
    assert lag.seconds == 25.0


def test_a_problem_of_one_group_costs_only_itself() -> None:
    tracker = LagTracker("cluster")
    both = Offsets({FIRST: Log(0, 9)}, {"email": {FIRST: 1}, "audit": {FIRST: 5}})
    tracker.observe(0, both)
    one = Offsets({FIRST: Log(0, 9)}, {"audit": {FIRST: 6}}, [Problem("email", None, None, "not authorised")])
    rows = tracker.observe(SECOND, one)
    assert [(row.group, type(row)) for row in rows] == [("audit", Lag), ("email", LagProblem)]


def history(end: int, polls: int) -> list[Lag]:
    """Rows of a group that commits every ten seconds, polled every five."""
    tracker = LagTracker("cluster")
    found: list[Lag] = []
    for number in range(polls):
        found += lags(tracker, number * 5 * SECOND, poll(end + number, end + number - number % 2))
    return found


def test_a_new_tracker_learns_from_stored_rows() -> None:
    stored = history(100, 12)
    primed, fresh = LagTracker("cluster"), LagTracker("cluster")
    primed.prime([*stored, LagProblem(stored[-1].time, "cluster", None, "orders", 1, "no leader")])
    begin = stored[-1].time
    statuses: dict[str, list[str]] = {"primed": [], "fresh": []}
    for number in range(1, 6):
        for name, tracker in (("primed", primed), ("fresh", fresh)):
            [lag] = lags(tracker, begin + number * 5 * SECOND, poll(111 + 3 * number, 110))
            statuses[name].append(lag.status)
    assert statuses["primed"][-1] == "STOP"
    assert set(statuses["fresh"]) == {"OK"}


def test_rows_of_another_cluster_teach_nothing() -> None:
    tracker = LagTracker("other")
    tracker.prime(history(100, 12))
    [lag] = lags(tracker, 100 * SECOND, poll(150, 110))
    assert lag.seconds is None
