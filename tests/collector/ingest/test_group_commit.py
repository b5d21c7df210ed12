import threading

import pytest

from laban_collector.decode.results import RequestOutcome
from laban_collector.ingest import group_commit
from laban_collector.ingest.group_commit import GroupCommit, Limits, Request

LIMITS = Limits(in_flight_bytes=1000, commit_bytes=400, commit_delay=0.0)


def request(size: int = 1) -> Request:
    outcomes: list[RequestOutcome] = []
    return Request(bytes(size), outcomes.append)


@pytest.fixture
def queue() -> GroupCommit:
    queue = GroupCommit(LIMITS)
    queue.open()
    return queue


def decode_a_group_of_two(queue: GroupCommit) -> None:
    """Decode one group of two requests, so that the next group waits for more."""
    for _ in range(2):
        queue.add(request())
    group = queue.next_group()
    queue.decoded(group)
    queue.release(group)


def test_a_group_takes_all_waiting_requests_up_to_its_byte_limit(queue: GroupCommit) -> None:
    for _ in range(5):
        queue.add(request(150))
    assert [len(queue.next_group()) for _ in range(2)] == [3, 2]


def test_a_small_group_waits_for_the_writer_and_a_large_one_does_not(queue: GroupCommit) -> None:
    queue.set_writer(idle=False)
    queue.add(request())
    sizes: list[int] = []
    thread = threading.Thread(target=lambda: sizes.append(len(queue.next_group())))
    thread.start()
    thread.join(0.05)
    assert not sizes
    queue.add(request(LIMITS.commit_bytes // 4))
    thread.join(10)
    assert sizes == [2]


def test_a_small_group_waits_until_no_more_requests_arrive(queue: GroupCommit) -> None:
    decode_a_group_of_two(queue)
    queue.add(request())
    assert len(queue.next_group()) == 1  # as soon as no more requests arrive


def test_a_small_group_is_complete_once_every_answered_sender_has_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "_LONGEST_WAIT", 60.0)
    now = iter([0.0, 0.0, 100.0])  # waiting for the first group, its begin, and its decoding
    queue = GroupCommit(LIMITS, lambda: next(now, 100.0))
    queue.open()
    for _ in range(2):
        queue.add(request())
    group = queue.next_group()
    queue.decoded(group)
    queue.add(request())  # from another sender
    queue.release(group)
    sizes: list[int] = []
    thread = threading.Thread(target=lambda: sizes.append(len(queue.next_group())))
    thread.start()
    queue.add(request())
    thread.join(0.05)
    assert not sizes
    queue.add(request())
    thread.join(10)
    assert sizes == [3]


def test_after_close_the_waiting_requests_form_the_last_group(queue: GroupCommit) -> None:
    queue.set_writer(idle=False)
    queue.add(request())
    assert queue.close()
    assert not queue.close()
    assert [len(queue.next_group()) for _ in range(2)] == [1, 0]


def test_an_empty_body_counts_as_a_request(queue: GroupCommit) -> None:
    queue.add(request(0))
    assert len(queue.next_group()) == 1


def test_a_little_request_overtakes_large_ones_after_a_group_of_them() -> None:
    queue = GroupCommit(Limits(in_flight_bytes=1 << 30, commit_bytes=100_000, commit_delay=0.0))
    queue.open()
    for size in (100_000, 100_001, 100_002, 10, 11):
        queue.add(request(size))
    groups = [[len(one.body) for one in queue.next_group()] for _ in range(4)]
    assert groups == [[100_000], [10, 11], [100_001], [100_002]]


def test_after_a_group_that_took_long_the_next_one_is_smaller() -> None:
    cpu = iter([0.0, 1.0, 1.0, 1.01])  # the first group takes a second, the second one 10 ms
    limits = Limits(in_flight_bytes=1 << 30, commit_bytes=400_000, commit_delay=0.0)
    queue = GroupCommit(limits, cpu_clock=lambda: next(cpu, 9.0))
    queue.open()
    for _ in range(9):
        queue.add(request(100_000))
    sizes: list[int] = []
    for _ in range(3):
        group = queue.next_group()
        queue.decoded(group)
        sizes.append(len(group))
    assert sizes == [4, 1, 4]
