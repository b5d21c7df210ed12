import pytest

from laban_collector.lag.evaluation import (
    STOP_WINDOW,
    WINDOW,
    EndReading,
    GroupReading,
    LagStatus,
    LagTracker,
    Log,
    Offsets,
    Partition,
    evaluate,
    seconds_behind,
)

SECOND = 1_000_000_000


def ends(*offsets: int) -> list[EndReading]:
    """Return end offsets, read every ten seconds."""
    return [EndReading(number * 10 * SECOND, end) for number, end in enumerate(offsets)]


def readings(*offsets: tuple[int | None, int]) -> list[GroupReading]:
    """Return (committed, end) pairs, read every second."""
    return [GroupReading(number * SECOND, *pair) for number, pair in enumerate(offsets)]


@pytest.mark.parametrize(
    ("history", "committed", "seconds"),
    [
        (ends(0, 100), 100, 0.0),  # nothing to consume
        (ends(0, 100), 90, 1.0),  # the log passed 90 one second ago
        (ends(0, 100, 100, 100), 50, 25.0),  # and has not grown since
        (ends(0, 100, 300), 100, 10.0),
        (ends(0, 100, 300), 0, 20.0),
        (ends(0, 100, 300), 200, 5.0),
        (ends(40, 100), 39, None),  # passed before the first reading
        (ends(40), 39, None),
        (ends(40), 40, 0.0),
        (ends(40), None, None),
        ([], 0, None),
        (ends(10), 20, 0.0),  # a recreated topic ends before the committed offset
    ],
)
def test_seconds_behind_is_how_long_ago_the_log_passed_the_committed_offset(
    history: list[EndReading], committed: int | None, seconds: float | None
) -> None:
    assert seconds_behind(history, committed) == seconds


def test_a_group_without_lag_is_ok_whatever_its_history() -> None:
    assert evaluate(readings(*[(5, 5 + lag) for lag in range(9, -1, -1)])) == LagStatus.OK
    assert evaluate(readings((9, 9), (5, 9), (9, 9))) == LagStatus.OK


def test_a_group_that_reduces_its_lag_is_ok() -> None:
    assert evaluate(readings(*[(n * 10, 100 + n) for n in range(WINDOW)])) == LagStatus.OK


def test_a_group_that_commits_with_growing_lag_is_warned_of() -> None:
    assert evaluate(readings(*[(n, n * 3 + 1) for n in range(WINDOW)])) == LagStatus.WARN


def test_a_group_that_was_without_lag_in_the_window_is_ok() -> None:
    caught_up = [(n, n * 3 + 1) for n in range(WINDOW)]
    caught_up[2] = (2, 2)
    assert evaluate(readings(*caught_up)) == LagStatus.OK


def test_a_group_that_no_longer_commits_stalls() -> None:
    assert evaluate(readings((1, 5), *[(2, 5)] * WINDOW)) == LagStatus.STALL
    assert evaluate(readings((1, 5), *[(2, 5 + n) for n in range(WINDOW)])) == LagStatus.STALL


def test_a_short_pause_is_not_a_stall() -> None:
    assert evaluate(readings((1, 5), *[(2, 5)] * (WINDOW - 1))) == LagStatus.OK


def test_a_group_without_commits_for_long_has_stopped_if_the_log_grows() -> None:
    moving_log = [(2, 5 + n) for n in range(STOP_WINDOW)]
    assert evaluate(readings((1, 5), *moving_log[:-1])) == LagStatus.STALL
    assert evaluate(readings((1, 5), *moving_log)) == LagStatus.STOP


def test_a_group_that_never_moved_has_stopped_if_the_log_grows() -> None:
    assert evaluate(readings(*[(2, 5 + n) for n in range(WINDOW)])) == LagStatus.STOP
    assert evaluate(readings(*[(None, n) for n in range(WINDOW)])) == LagStatus.STOP


def test_no_group_stops_while_the_log_does_not_grow() -> None:
    assert evaluate(readings(*[(2, 5)] * STOP_WINDOW * 2)) == LagStatus.STALL
    assert evaluate(readings(*[(None, 5)] * STOP_WINDOW * 2)) == LagStatus.OK


def test_a_recent_decrease_of_the_committed_offset_is_a_rewind() -> None:
    back = [(9, 10), (3, 10)]
    assert evaluate(readings(*back)) == LagStatus.REWIND
    onward = [(3 + n, 12) for n in range(1, WINDOW)]
    assert evaluate(readings(*back, *onward[:-1])) == LagStatus.REWIND
    assert evaluate(readings(*back, *onward)) == LagStatus.OK


def test_the_first_readings_are_ok() -> None:
    assert evaluate(readings((2, 5))) == LagStatus.OK
    assert evaluate([]) == LagStatus.OK


def poll(end: int, committed: int | None, topic: str = "orders") -> Offsets:
    partition = Partition(topic, 0)
    return Offsets({partition: Log(0, end)}, {"email": {partition: committed}})


def test_the_tracker_returns_lag_in_messages_and_seconds() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(0, 0))
    [lag] = tracker.observe(10 * SECOND, poll(100, 90))
    assert (lag.cluster, lag.group, lag.topic, lag.partition) == ("cluster", "email", "orders", 0)
    assert (lag.time, lag.committed, lag.end, lag.start) == (10 * SECOND, 90, 100, 0)
    assert (lag.messages, lag.seconds, lag.status) == (10, 1.0, "OK")


def test_a_log_has_a_history_before_any_group_commits() -> None:
    tracker = LagTracker("cluster")
    partition = Partition("orders", 0)
    tracker.observe(0, Offsets({partition: Log(0, 0)}, {}))
    [lag] = tracker.observe(10 * SECOND, poll(100, 50))
    assert lag.seconds == 5.0


def test_lag_is_unknown_without_a_commit() -> None:
    [lag] = LagTracker("cluster").observe(0, poll(7, None))
    assert (lag.committed, lag.messages, lag.seconds) == (None, None, None)


def test_a_recreated_topic_starts_a_new_history() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(0, 0))
    tracker.observe(10 * SECOND, poll(100, 100))
    [lag] = tracker.observe(20 * SECOND, poll(5, 1))
    assert (lag.messages, lag.seconds) == (4, None)


def test_a_deleted_partition_is_left_out_and_its_history_dropped() -> None:
    tracker = LagTracker("cluster")
    tracker.observe(0, poll(9, 0))
    assert tracker.observe(SECOND, Offsets({}, {"email": {Partition("orders", 0): 0}})) == []
    [lag] = tracker.observe(2 * SECOND, poll(9, 0))
    assert lag.seconds is None
