import threading

import pytest

from laban_collector.decode.results import RequestOutcome
from laban_collector.ingest import group_commit
from laban_collector.ingest.group_commit import GroupCommit, Limits, Request

LIMITS = Limits(in_flight_bytes=1000, commit_bytes=400, commit_delay=0.0)


def request(size: int = 1) -> Request:
    answers: list[RequestOutcome] = []
    return Request(bytes(size), answers.append)


@pytest.fixture
def waiting() -> GroupCommit:
    opened = GroupCommit(LIMITS)
    opened.open()
    return opened


def after_a_group_of_several(waiting: GroupCommit) -> None:
    """So that the next one waits for more."""
    for _ in range(2):
        waiting.add(request())
    group = waiting.next_group()
    waiting.decoded(group)
    waiting.release(group)


def test_a_group_is_all_that_waits_up_to_its_bytes(waiting: GroupCommit) -> None:
    for _ in range(5):
        waiting.add(request(150))
    assert [len(waiting.next_group()) for _ in range(2)] == [3, 2]


def test_what_is_small_waits_for_the_writer_and_what_is_large_does_not(waiting: GroupCommit) -> None:
    waiting.set_writer(idle=False)
    waiting.add(request())
    found: list[int] = []
    taking = threading.Thread(target=lambda: found.append(len(waiting.next_group())))
    taking.start()
    taking.join(0.05)
    assert not found
    waiting.add(request(LIMITS.commit_bytes // 4))
    taking.join(10)
    assert found == [2]


def test_a_small_group_after_several_requests_waits_until_none_comes(waiting: GroupCommit) -> None:
    after_a_group_of_several(waiting)
    waiting.add(request())
    assert len(waiting.next_group()) == 1  # no sooner and no later than nothing more came


def test_a_small_group_is_whole_when_all_have_sent_again_who_were_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "_LONGEST_WAIT", 60.0)
    now = iter([0.0, 0.0, 100.0])  # when the first group is looked for, begins, and is decoded
    waiting = GroupCommit(LIMITS, lambda: next(now, 100.0))
    waiting.open()
    for _ in range(2):
        waiting.add(request())
    group = waiting.next_group()
    waiting.decoded(group)
    waiting.add(request())  # from somebody else
    waiting.release(group)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(len(waiting.next_group())))
    thread.start()
    waiting.add(request())
    thread.join(0.05)
    assert not found
    waiting.add(request())
    thread.join(10)
    assert found == [3]


def test_at_the_end_what_waits_is_a_group_and_then_there_is_none(waiting: GroupCommit) -> None:
    waiting.set_writer(idle=False)
    waiting.add(request())
    assert waiting.close()
    assert not waiting.close()
    assert [len(waiting.next_group()) for _ in range(2)] == [1, 0]


def test_an_empty_body_is_a_request_too(waiting: GroupCommit) -> None:
    waiting.add(request(0))
    assert len(waiting.next_group()) == 1
