from collections.abc import Sequence

import pytest
from kafka.record.memory_records import MemoryRecordsBuilder

from laban_collector.lag.evaluation import Partition
from laban_collector.lag.reader import OffsetReader
from laban_collector.lag.times import READS_PER_POLL, REFUSAL, first_time

from .fake_brokers import FakeBrokers

NONE, GZIP = 0, 1
TOPIC_DENIED = 29
SENT = 1_795_000_000_000
"""Milliseconds since the epoch."""

PLACE = Partition("orders", 0)


def batch(first: int, times: Sequence[int], compression: int = NONE, magic: int = 2) -> bytes:
    """Return a batch of messages from an offset on, with these times."""
    builder = MemoryRecordsBuilder(magic, compression, 1_000_000, offset=0 if magic == 2 else first)
    for time in times:
        builder.append(time, b"1001", b"created")
    builder.close()
    data = bytearray(builder.buffer())
    if magic == 2:  # a producer numbers from 0, and the broker writes the offset into the head
        data[:8] = first.to_bytes(8, "big")
    return bytes(data)


def control_batch(offset: int) -> bytes:
    """Return a batch that ends a transaction."""
    data = bytearray(batch(offset, [SENT]))
    data[22] |= 0x20  # the lower byte of the attributes, and the bit of control batches in it
    return bytes(data)


def nanoseconds(milliseconds: int) -> int:
    return milliseconds * 1_000_000


@pytest.mark.parametrize("magic", [1, 2])
def test_the_time_is_that_of_the_message_at_the_offset(magic: int) -> None:
    records = batch(10, [SENT, SENT + 5_000, SENT + 9_000], magic=magic)
    assert [first_time(records, offset) for offset in (10, 11, 12, 13)] == [
        nanoseconds(SENT),
        nanoseconds(SENT + 5_000),
        nanoseconds(SENT + 9_000),
        None,
    ]


def test_an_offset_that_compaction_removed_takes_the_next_message() -> None:
    assert first_time(batch(10, [SENT]) + batch(20, [SENT + 1]), 15) == nanoseconds(SENT + 1)


def test_the_records_that_end_transactions_are_no_messages() -> None:
    assert first_time(control_batch(10), 10) is None
    assert first_time(control_batch(10) + batch(11, [SENT + 1]), 10) == nanoseconds(SENT + 1)


def test_a_compressed_batch_tells_the_time_to_a_second_by_its_head() -> None:
    records = batch(10, [SENT, SENT + 200, SENT + 900], GZIP)
    assert first_time(records, 10) == nanoseconds(SENT)
    assert first_time(records, 11) == nanoseconds(SENT + 900)


def test_a_compressed_batch_over_a_longer_time_does_not_tell_it() -> None:
    records = batch(10, [SENT, SENT + 200, SENT + 90_000], GZIP)
    assert first_time(records, 10) == nanoseconds(SENT)
    assert first_time(records, 11) is None


def test_nothing_and_a_message_without_a_time_have_none() -> None:
    assert first_time(b"", 10) is None
    assert first_time(batch(10, [0]), 10) is None
    assert first_time(batch(10, [SENT])[:-3], 10) is None


@pytest.fixture
def brokers() -> FakeBrokers:
    brokers = FakeBrokers()
    brokers.leaders = {PLACE: 1}
    brokers.ends = {PLACE: 12}
    brokers.groups = {1: {"email": {PLACE: 10}, "billing": {PLACE: 12}}}
    brokers.records = {PLACE: batch(10, [SENT, SENT + 7])}
    return brokers


def fetches(brokers: FakeBrokers) -> int:
    return brokers.kinds_sent().count("FetchRequest")


def test_a_message_is_read_once_for_the_groups_that_are_behind(brokers: FakeBrokers) -> None:
    reader = OffsetReader(brokers)
    for _ in range(3):
        assert reader.read().times == {("email", PLACE): nanoseconds(SENT)}
    assert fetches(brokers) == 1
    brokers.groups[1]["email"] = {PLACE: 11}
    assert reader.read().times == {("email", PLACE): nanoseconds(SENT + 7)}
    brokers.groups[1]["email"] = {PLACE: 12}
    assert reader.read().times == {}
    assert fetches(brokers) == 2


def test_where_there_was_no_message_it_is_read_again_when_the_log_has_grown(brokers: FakeBrokers) -> None:
    brokers.groups = {1: {"email": {PLACE: 10}}}
    brokers.records = {PLACE: control_batch(10)}
    reader = OffsetReader(brokers)
    for _ in range(3):
        assert reader.read().times == {}
    assert fetches(brokers) == 1
    brokers.ends[PLACE] = 13
    brokers.records[PLACE] += batch(11, [SENT])
    assert reader.read().times["email", PLACE] == nanoseconds(SENT)


def test_groups_at_different_offsets_of_a_partition_are_read_one_poll_after_the_other(
    brokers: FakeBrokers,
) -> None:
    brokers.groups[1]["billing"] = {PLACE: 11}
    reader = OffsetReader(brokers)
    assert len(reader.read().times) == 1
    assert reader.read().times == {
        ("email", PLACE): nanoseconds(SENT),
        ("billing", PLACE): nanoseconds(SENT + 7),
    }


def test_what_retention_took_is_not_asked_for(brokers: FakeBrokers) -> None:
    brokers.groups = {1: {"email": {PLACE: -5}, "never": {PLACE: -1}}}
    OffsetReader(brokers).read()
    assert fetches(brokers) == 0


def test_a_topic_that_may_not_be_read_is_left_alone_for_ten_minutes(brokers: FakeBrokers) -> None:
    now = 0.0
    brokers.errors["fetch", "orders"] = TOPIC_DENIED
    reader = OffsetReader(brokers, clock=lambda: now)
    for _ in range(3):
        offsets = reader.read()
        assert (offsets.times, offsets.problems) == ({}, [])
    assert fetches(brokers) == 1
    now += REFUSAL
    reader.read()
    assert fetches(brokers) == 2


def test_a_poll_reads_a_limited_number_of_messages(brokers: FakeBrokers) -> None:
    many = [Partition("orders", number) for number in range(READS_PER_POLL + 10)]
    brokers.leaders = dict.fromkeys(many, 1)
    brokers.ends = dict.fromkeys(many, 12)
    brokers.groups = {1: {"email": dict.fromkeys(many, 10)}}
    brokers.records = dict.fromkeys(many, batch(10, [SENT]))
    reader = OffsetReader(brokers)
    assert len(reader.read().times) == READS_PER_POLL
    assert len(reader.read().times) == len(many)


def test_no_message_is_read_if_the_settings_say_so(brokers: FakeBrokers) -> None:
    assert OffsetReader(brokers, message_times=False).read().times == {}
    assert fetches(brokers) == 0
