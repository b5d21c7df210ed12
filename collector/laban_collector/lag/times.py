"""When the first message was written that a group has not read, from the message itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from kafka.errors import KafkaError
from kafka.record import MemoryRecords

from laban_collector.lag import requests
from laban_collector.lag.brokers import Brokers
from laban_collector.lag.evaluation import Log, Partition

READS_PER_POLL: Final = 50
"""Messages to read in one poll; the others follow in the next ones."""

REFUSAL: Final = 600.0
"""Seconds for which a topic that may not be read is left alone."""

_LONGEST_BATCH_MS: Final = 1000
_MS: Final = 1_000_000


class Place(NamedTuple):
    """An offset in a partition."""

    partition: Partition
    offset: int


class MessageTimes:
    """Reads the time of the first message that waits, once for each offset.

    A poll reads at most `READS_PER_POLL` messages, and keeps nothing of them but the time. The time is
    unknown if the user may not read the topic, or if the batch of the message is larger than a request takes.

    Args:
        brokers: the connected brokers.
        clock: seconds that only grow.
    """

    def __init__(self, brokers: Brokers, clock: Callable[[], float]) -> None:
        self._brokers = brokers
        self._clock = clock
        self._times: dict[Place, int] = {}
        self._unknown: dict[Place, int] = {}
        self._refused: dict[str, float] = {}

    async def find(
        self,
        committed: Mapping[str, Mapping[Partition, int | None]],
        logs: Mapping[Partition, Log],
        leaders: Mapping[int, Iterable[Partition]],
    ) -> dict[tuple[str, Partition], int]:
        """Return the time (ns) of the first message that waits, by group and partition, where it is known."""
        waiting = dict(_waiting(committed, logs))
        wanted = set(waiting.values())
        self._times = {place: time for place, time in self._times.items() if place in wanted}
        # Where no message was found, one may have been written since.
        self._unknown = {
            place: end
            for place, end in self._unknown.items()
            if place in wanted and logs[place.partition].end == end
        }
        await self._read(self._due(wanted), logs, leaders)
        return {key: self._times[place] for key, place in waiting.items() if place in self._times}

    def _due(self, wanted: Iterable[Place]) -> dict[Partition, int]:
        """Return the offsets to read in this poll, one at most of each partition."""
        now = self._clock()
        self._refused = {topic: at for topic, at in self._refused.items() if now - at < REFUSAL}
        due: dict[Partition, int] = {}
        for place in wanted:
            new = place not in self._times and place not in self._unknown
            if new and place.partition.topic not in self._refused:
                due[place.partition] = place.offset
            if len(due) == READS_PER_POLL:
                break
        return due

    async def _read(
        self,
        due: Mapping[Partition, int],
        logs: Mapping[Partition, Log],
        leaders: Mapping[int, Iterable[Partition]],
    ) -> None:
        if not due:
            return
        by_leader = {
            broker: {place: due[place] for place in places if place in due}
            for broker, places in leaders.items()
        }
        await self._brokers.gather(
            self._fetch(broker, offsets, logs) for broker, offsets in by_leader.items() if offsets
        )

    async def _fetch(
        self, broker: int, offsets: Mapping[Partition, int], logs: Mapping[Partition, Log]
    ) -> None:
        try:
            response = await self._brokers.send(broker, requests.fetch(offsets))
        except KafkaError:
            return  # the next poll tries again
        fetched = {
            partition: (records, refused) for partition, records, refused in requests.read_fetched(response)
        }
        for partition, offset in offsets.items():
            records, refused = fetched.get(partition, (b"", False))
            time = first_time(records, offset)
            if refused:
                self._refused[partition.topic] = self._clock()
            elif time is None:
                self._unknown[Place(partition, offset)] = logs[partition].end
            else:
                self._times[Place(partition, offset)] = time


def first_time(records: bytes, offset: int) -> int | None:
    """Return the time (ns) of the first message at or after an offset.

    A compressed batch is not decompressed: its head has the times of its first and its last message, and
    they tell the time to a second if they are that close.

    Returns:
        None if these bytes have no such message (the records that end a transaction are none), or if its time
        is not known.
    """
    batches: Any = MemoryRecords(records)
    try:
        for batch in batches:
            if getattr(batch, "is_control_batch", False) or getattr(batch, "last_offset", offset) < offset:
                continue
            if batch.compression_type:
                return _from_head(batch, offset)
            for record in batch:
                if record.offset >= offset:
                    return _nanoseconds(record.timestamp)
    except KafkaError:  # damaged
        return None
    return None


def _from_head(batch: Any, offset: int) -> int | None:
    if batch.magic < 2:  # older formats have no such head
        return None
    if batch.timestamp_type == batch.LOG_APPEND_TIME:
        return _nanoseconds(batch.max_timestamp)
    if offset <= batch.base_offset:
        return _nanoseconds(batch.first_timestamp)
    close = batch.max_timestamp - batch.first_timestamp <= _LONGEST_BATCH_MS
    return _nanoseconds(batch.max_timestamp) if close else None


def _nanoseconds(timestamp: int | None) -> int | None:
    return timestamp * _MS if timestamp is not None and timestamp > 0 else None


def _waiting(
    committed: Mapping[str, Mapping[Partition, int | None]], logs: Mapping[Partition, Log]
) -> Iterator[tuple[tuple[str, Partition], Place]]:
    for group, offsets in committed.items():
        for partition, offset in offsets.items():
            log = logs.get(partition)
            if offset is not None and log is not None and max(offset, log.start) < log.end:
                yield (group, partition), Place(partition, max(offset, log.start))
