import pytest

from laban_collector.lag.commit_interval import CommitInterval
from laban_collector.lag.status import REWIND_WINDOW, GroupHistory, GroupReading, LagStatus, evaluate
from laban_collector.store.rows import Lag

from .simulated import Group, Simulation, bursts, poisson, seeded, steady

POLL = 5
SECOND = 1_000_000_000
UNKNOWN = 14
"""Polls without a commit after which a group of unknown habits has stopped."""


def readings(*offsets: tuple[int | None, int]) -> list[GroupReading]:
    """Return (committed, end) pairs, read every five seconds."""
    return [GroupReading(number * POLL * SECOND, *pair) for number, pair in enumerate(offsets)]


def regular(number: int, rate: int = 10) -> list[tuple[int | None, int]]:
    """A group that commits every ten seconds, and is read right after that and before the next commit."""
    return [((n - n % 2) * rate, n * rate + 3) for n in range(number)]


def test_a_group_without_lag_is_ok_whatever_its_history() -> None:
    assert evaluate(readings(*[(5, 5 + lag) for lag in range(9, -1, -1)])) == LagStatus.OK
    assert evaluate(readings((9, 9), (5, 9), (9, 9))) == LagStatus.OK


def test_the_first_readings_are_ok() -> None:
    assert evaluate([]) == LagStatus.OK
    assert evaluate(readings((2, 5))) == LagStatus.OK
    assert evaluate(readings(*[(2, 5)] * UNKNOWN)) == LagStatus.OK


def test_a_group_that_reduces_its_lag_is_ok() -> None:
    assert evaluate(readings(*[(n * 10, 900 + n) for n in range(60)])) == LagStatus.OK


def test_a_group_that_keeps_a_constant_lag_is_ok() -> None:
    assert evaluate(readings(*[(n * 10, 5000 + n * 10) for n in range(60)])) == LagStatus.OK


def test_a_group_that_commits_with_growing_lag_is_warned_of() -> None:
    assert evaluate(readings(*[(n * 100, n * 300 + 10) for n in range(30)])) == LagStatus.WARN


def test_a_group_that_catches_up_again_is_ok() -> None:
    slow = [(n * 100, n * 300 + 10) for n in range(30)]
    faster = [(3000 + n * 900, 9000 + n * 300) for n in range(8)]
    assert evaluate(readings(*slow, *faster)) == LagStatus.OK


def test_a_burst_that_is_worked_off_is_ok() -> None:
    calm = [(n * 50, n * 50 + 5) for n in range(12)]
    burst = [(600 + n * 50, 1000 + n * 20) for n in range(8)]
    found = GroupHistory(CommitInterval())
    statuses = [found.observe(reading, POLL * SECOND) for reading in readings(*calm, *burst)]
    assert set(statuses) == {LagStatus.OK}


def test_a_group_that_misses_its_commit_stalls_and_stops_if_the_log_grows() -> None:
    commits = regular(9)
    waiting = [(80, 83), (80, 83), (80, 83)]
    assert evaluate(readings(*commits, *waiting)) == LagStatus.OK
    assert evaluate(readings(*commits, *waiting, (80, 83))) == LagStatus.STALL
    growing = [(80, 83 + n) for n in range(1, 5)]
    assert evaluate(readings(*commits, *growing)) == LagStatus.STOP


def test_members_tell_whether_a_group_stalls_or_has_stopped() -> None:
    def status(members: int) -> LagStatus:
        found = GroupHistory(CommitInterval())
        history = readings(*regular(9), *[(80, 83 + n) for n in range(1, 8)])
        return [found.observe(reading, POLL * SECOND, members) for reading in history][-1]

    assert status(0) == LagStatus.STOP
    assert status(2) == LagStatus.STALL


def test_a_group_that_commits_again_is_ok_at_once() -> None:
    stopped = [(80, 83 + n) for n in range(20)]
    assert evaluate(readings(*regular(9), *stopped, (102, 105))) == LagStatus.OK


def test_a_group_of_unknown_habits_is_waited_for_a_minute() -> None:
    assert evaluate(readings(*[(2, 5 + n) for n in range(UNKNOWN)])) == LagStatus.OK
    assert evaluate(readings(*[(2, 5 + n) for n in range(UNKNOWN + 1)])) == LagStatus.STOP
    assert evaluate(readings(*[(2, 5)] * (UNKNOWN + 1))) == LagStatus.STALL


def test_a_partition_without_a_commit_has_stopped_if_its_log_grows() -> None:
    assert evaluate(readings(*[(None, n) for n in range(UNKNOWN + 4)])) == LagStatus.STOP
    assert evaluate(readings(*[(None, 5)] * 50)) == LagStatus.OK


def test_one_message_may_stay_at_the_end_for_ever() -> None:
    assert evaluate(readings(*[(9, 10)] * 500)) == LagStatus.OK
    followed = [(n * 10 - 1, n * 10) for n in range(1, 40)]
    assert evaluate(readings(*followed, *[(389, 390)] * 500)) == LagStatus.OK


def test_messages_after_a_rest_of_one_begin_to_wait_when_they_come() -> None:
    rest = [*((n * 10 - 1, n * 10) for n in range(1, 9)), *[(79, 80)] * 100]
    assert evaluate(readings(*rest, (79, 90))) == LagStatus.OK
    assert evaluate(readings(*rest, (79, 90), (79, 91), (89, 92))) == LagStatus.OK
    assert evaluate(readings(*rest, *[(79, 90 + n) for n in range(9)])) == LagStatus.STOP


def test_polls_that_failed_are_not_time_without_a_commit() -> None:
    before = readings(*regular(9))
    later = [
        GroupReading(reading.time + 3600 * SECOND, reading.committed, reading.end)
        for reading in readings(*[(80, 84 + n) for n in range(4)])
    ]
    found = GroupHistory(CommitInterval())
    statuses = [found.observe(reading, POLL * SECOND) for reading in [*before, *later]]
    assert statuses[9:12] == [LagStatus.OK] * 3
    assert statuses[12] == LagStatus.STOP


def test_a_decrease_of_the_committed_offset_is_a_rewind_for_a_while() -> None:
    back = [(9, 10), (3, 10)]
    assert evaluate(readings(*back)) == LagStatus.REWIND
    onward = [(3 + n, 12) for n in range(1, REWIND_WINDOW)]
    assert evaluate(readings(*back, *onward[:-1])) == LagStatus.REWIND
    assert evaluate(readings(*back, *onward)) == LagStatus.OK


def test_an_offset_past_the_end_is_a_rewind_as_long_as_it_is() -> None:
    assert evaluate(readings((20, 10))) == LagStatus.REWIND
    assert evaluate(readings(*[(20, 10 + n // 9) for n in range(60)])) == LagStatus.REWIND
    assert evaluate(readings((20, 19), (20, 20))) == LagStatus.OK


def test_a_group_that_is_read_after_a_moving_log_is_not_past_the_end() -> None:
    assert evaluate(readings((0, 10), (21, 20), (30, 30))) == LagStatus.OK
    assert evaluate(readings((0, 10), (21, 20))) == LagStatus.OK
    assert evaluate(readings((0, 10), (500, 20))) == LagStatus.REWIND


def test_a_topic_made_anew_and_shorter_is_a_rewind() -> None:
    assert evaluate(readings((100, 100), (100, 5))) == LagStatus.REWIND
    assert evaluate(readings((30, 100), (30, 50))) == LagStatus.REWIND
    assert evaluate(readings((30, 100), (3, 5))) == LagStatus.REWIND
    assert evaluate(readings((100, 100), (None, 0))) == LagStatus.REWIND


def test_lag_begins_at_the_start_of_the_log_and_the_rest_is_lost() -> None:
    reading = GroupReading(0, 5, 100, 40)
    assert (reading.lag, reading.lost) == (60, 35)
    assert (GroupReading(0, 50, 100, 40).lag, GroupReading(0, 50, 100, 40).lost) == (50, 0)
    emptied = GroupReading(0, 5, 40, 40)
    assert (emptied.lag, emptied.lost) == (0, 35)
    assert (GroupReading(0, None, 100, 40).lag, GroupReading(0, None, 100, 40).lost) == (None, 0)


KINDS = [steady, poisson, bursts]


def simulation(seed: tuple[object, ...], every: float, group: dict[str, float], until: float) -> Simulation:
    """A topic of one to four partitions whose messages are sparse or dense, and one group."""
    draw = seeded(*seed)
    kind = draw.choice(KINDS)
    rate = 10 ** draw.uniform(-2.3, 1.7)
    messages = [kind(rate * draw.uniform(0.5, 1), until, draw) for _ in range(draw.randint(1, 4))]
    reading = Group(every, draw.uniform(0, every), latency=draw.uniform(0, 1), **group)  # type: ignore[arg-type]
    return Simulation(messages, reading, POLL, draw.uniform(0, POLL), draw)


@pytest.mark.parametrize("behind", [0, 1])
@pytest.mark.parametrize("jitter", [0.0, 2.0])
@pytest.mark.parametrize("every", [10, 15, 20, 30, 60])
def test_a_steady_group_is_ok_in_every_reading(every: float, jitter: float, behind: int) -> None:
    for number in range(6):
        simulated = simulation(
            (every, jitter, behind, number), every, {"jitter": jitter, "behind": behind}, 1200
        )
        wrong = [row for _, rows in simulated.rows(1200) for row in rows if row.status != "OK"]
        assert wrong == []


@pytest.mark.parametrize("every", [10, 15, 20, 30, 60])
@pytest.mark.parametrize("kind", [steady, poisson])
def test_a_stop_is_known_within_three_polls_after_the_usual_interval(every: float, kind: object) -> None:
    chosen = steady if kind is steady else poisson
    for number in range(5):
        draw = seeded("stop", every, number)
        group = Group(every, draw.uniform(0, every), latency=0.5, stops=draw.uniform(500, 600))
        messages = [chosen(draw.uniform(2, 50), 800, draw) for _ in range(2)]
        simulated = Simulation(messages, group, POLL, draw.uniform(0, POLL), draw)
        known: dict[int, float] = {}
        for now, rows in simulated.rows(800):
            for row in rows:
                if row.status in ("STALL", "STOP"):
                    known.setdefault(row.partition, now)
        assert len(known) == 2
        due = simulated.commits[-1] + every + 3 * POLL
        assert max(known.values()) <= due + 0.04 * POLL  # by which a poll may be late


@pytest.mark.parametrize("every", [5, 10, 20, 30, 60])
def test_a_group_that_is_too_slow_is_warned_of(every: float) -> None:
    for number in range(4):
        draw = seeded("slow", every, number)
        rate = draw.uniform(20, 100)
        group = Group(every, draw.uniform(0, every), capacity=rate * draw.uniform(0.4, 0.75))
        simulated = Simulation([poisson(rate, 700, draw)], group, POLL, draw.uniform(0, POLL), draw)
        rows: list[Lag] = [row for _, polled in simulated.rows(700) for row in polled]
        assert {row.status for row in rows} == {"OK", "WARN"}
        assert {row.status for row in rows[-40:]} == {"WARN"}
