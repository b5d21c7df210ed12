import pytest

from laban_collector.lag.commit_interval import LONGEST, CommitInterval, patience_without_knowledge

SECOND = 10**9
POLL = 5 * SECOND


def interval(*whole: float, partial: tuple[float, ...] = (), between: float | None = None) -> CommitInterval:
    """The commits after these waits, in seconds."""
    found = CommitInterval()
    apart = None if between is None else round(between * SECOND)
    for wait in whole:
        found.add(round(wait * SECOND), whole=True, since_commit=apart)
    for wait in partial:
        found.add(round(wait * SECOND), whole=False, since_commit=apart)
    return found


@pytest.mark.parametrize("every", [10, 15, 20, 30, 60])
def test_the_second_missed_poll_is_unusual_after_regular_commits(every: int) -> None:
    patience = interval(every, every, every).patience(POLL)
    assert patience is not None
    assert (every + 5) * SECOND < patience <= (every + 10) * SECOND


def test_two_commits_are_enough_only_if_they_agree() -> None:
    assert interval(20, 25).patience(POLL) is not None
    assert interval(20, 60).patience(POLL) is None
    assert interval(20).patience(POLL) is None
    assert interval().patience(POLL) is None


def test_irregular_commits_are_waited_for_as_long_as_the_longest() -> None:
    patience = interval(5, 5, 5, 40, 5, 35, 5).patience(POLL)
    assert patience is not None
    assert patience > 40 * SECOND


def test_one_exceptional_wait_is_forgotten() -> None:
    regular = interval(10, 10, 10, 10).patience(POLL)
    assert interval(10, 10, 300, 10, 10).patience(POLL) == regular


def test_rare_messages_leave_doubt_that_shrinks_with_each_commit() -> None:
    few = interval(partial=(5, 10, 10), between=200).patience(POLL)
    many = interval(partial=(5, 10, 10) * 10, between=200).patience(POLL)
    assert few is not None
    assert many is not None
    assert 20 * SECOND < many < few
    assert interval(partial=(5, 10)).patience(POLL) is None


def test_two_commits_that_were_close_bound_the_interval() -> None:
    patience = interval(partial=(5, 10, 10), between=20).patience(POLL)
    assert patience is not None
    assert patience <= 30 * SECOND


def test_no_group_is_waited_for_longer_than_the_longest_interval() -> None:
    patience = interval(3000, 2000, 2500).patience(POLL)
    assert patience is not None
    assert patience > LONGEST  # such an interval is its own
    patience = interval(10, 10, 10, partial=(5000, 4000)).patience(POLL)
    assert patience is not None
    assert patience <= LONGEST + 2 * POLL


def test_an_unknown_interval_is_taken_to_be_a_minute() -> None:
    assert 65 * SECOND < patience_without_knowledge(POLL) <= 70 * SECOND
    assert 20 * SECOND < patience_without_knowledge(SECOND // 10) < 21 * SECOND
    assert 60 * SECOND < patience_without_knowledge(60 * SECOND) <= 180 * SECOND
