"""The keys of acknowledged batches that are not in the tables yet, so that a question waits only for its own.

A question about an order needs the tables to have the spans of this order, and not all others. Nothing is
computed until a question comes, because most batches are loaded before."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

import threading
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.store.rows import MessageRef

_SPAN_COLUMNS: Final = (
    "trace_lo",
    "kind",
    "resource_id",
    "messaging_destination",
    "messaging_group",
    "messaging_partition",
    "messaging_offset",
)

_CONSUMER: Final = 5
"""OTLP SpanKind."""

Numbers = NDArray[np.uint64]


class Reader(NamedTuple):
    """A consumer group that reads a topic, and its service."""

    topic: str
    group: str
    service: str


class Keys(NamedTuple):
    """What some batches hold.

    Attributes:
        traces: the low halves of the ids of their traces.
        linked: the low halves of the ids of the traces that their links lead to.
        messages: numbers of their messages: of topic, partition and offset.
        values: the values of their business keys.
        readers: the consumer groups of their spans.
    """

    traces: Numbers
    linked: Numbers
    messages: Numbers
    values: pa.ChunkedArray
    readers: frozenset[Reader]


class SegmentKeys:
    """The keys of the batches of one segment of the journal. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: list[SpanBatch] = []
        self._keys: Keys | None = None

    def add(self, batch: SpanBatch) -> None:
        """Add a batch; keeps only the columns that the keys are made of."""
        few = SpanBatch(
            spans=batch.spans.select(_SPAN_COLUMNS),
            resources=batch.resources.select(["resource_id", "service"]),
            scopes=batch.scopes.schema.empty_table(),
            events=batch.events.schema.empty_table(),
            links=batch.links.select(["linked_trace_lo"]),
            correlations=batch.correlations.select(["value"]),
        )
        with self._lock:
            self._new.append(few)

    def keys(self) -> Keys | None:
        """Return the keys of all batches; None if there are none."""
        with self._lock:
            if self._new:
                known = [] if self._keys is None else [self._keys]
                self._keys = _joined([*known, *map(_keys_of, self._new)])
                self._new.clear()
            return self._keys


class Unloaded:
    """The keys of all batches that were not in the tables at one moment.

    Args:
        parts: the keys of some batches.
    """

    def __init__(self, parts: Iterable[Keys | None]) -> None:
        self._parts = [part for part in parts if part is not None]

    def __bool__(self) -> bool:
        return bool(self._parts)

    def has_value(self, value: str) -> bool:
        """Whether a business key has this value."""
        return any(pc.any(pc.equal(part.values, value)).as_py() for part in self._parts)

    def has_trace(self, trace_ids: Collection[str]) -> bool:
        """Whether a span is in one of these traces, or in another form of one."""
        wanted = _low_halves(trace_ids)
        return any(np.isin(part.traces, wanted).any() for part in self._parts)

    def has_link_to(self, trace_ids: Collection[str]) -> bool:
        """Whether a link leads to one of these traces."""
        wanted = _low_halves(trace_ids)
        return any(np.isin(part.linked, wanted).any() for part in self._parts)

    def may_have_message(self, messages: Collection[MessageRef]) -> bool:
        """Whether a span is on one of these messages; another message may have the same number."""
        topics = np.array([_number_of(message.topic) for message in messages], np.uint64)
        partitions = np.array([message.partition for message in messages], np.int64)
        wanted = _mixed(topics, partitions, np.array([message.offset for message in messages], np.int64))
        return any(np.isin(part.messages, wanted).any() for part in self._parts)

    def readers(self) -> frozenset[Reader]:
        """Return the consumer groups of the spans."""
        return frozenset().union(*(part.readers for part in self._parts))


def _low_halves(trace_ids: Collection[str]) -> Numbers:
    return np.array([int(trace_id[-16:], 16) for trace_id in trace_ids], np.uint64)


def _messages_of(spans: pa.Table) -> Numbers:
    columns = ["messaging_destination", "messaging_partition", "messaging_offset"]
    named = spans.select(columns).drop_null()
    topics = named[columns[0]].combine_chunks().dictionary_encode()
    numbers = np.array([_number_of(topic) for topic in topics.dictionary.to_pylist()], np.uint64)
    return _mixed(numbers[topics.indices.to_numpy()], *(named[name].to_numpy() for name in columns[1:]))


def _number_of(topic: str) -> int:
    return xxhash.xxh3_64_intdigest(topic.encode())


def _mixed(topics: Numbers, partitions: NDArray[np.int64], offsets: NDArray[np.int64]) -> Numbers:
    """Return a number for each message."""
    numbers = topics.copy()
    numbers ^= partitions.view(np.uint64) << np.uint64(48)
    numbers ^= offsets.view(np.uint64)
    return numbers


def _keys_of(batch: SpanBatch) -> Keys:
    return Keys(
        batch.spans["trace_lo"].to_numpy(),
        batch.links["linked_trace_lo"].to_numpy(),
        _messages_of(batch.spans),
        batch.correlations["value"],
        _readers_of(batch),
    )


def _joined(parts: Sequence[Keys]) -> Keys:
    values = [chunk for part in parts for chunk in part.values.chunks]
    return Keys(
        np.concatenate([part.traces for part in parts]),
        np.concatenate([part.linked for part in parts]),
        np.concatenate([part.messages for part in parts]),
        pa.chunked_array([pa.chunked_array(values, pa.string()).combine_chunks()], pa.string()),
        frozenset().union(*(part.readers for part in parts)),
    )


def _readers_of(batch: SpanBatch) -> frozenset[Reader]:
    named = batch.spans.select(["kind", "resource_id", "messaging_destination", "messaging_group"])
    named = named.filter(
        (pc.field("kind") == _CONSUMER)
        & pc.field("messaging_group").is_valid()
        & pc.field("messaging_destination").is_valid()
    )
    if not named.num_rows:
        return frozenset()
    columns = ["messaging_destination", "messaging_group", "resource_id"]
    distinct = named.group_by(columns).aggregate([])
    service_of = dict(
        zip(*(batch.resources[name].to_pylist() for name in ("resource_id", "service")), strict=True)
    )
    topics, groups, resources = (distinct[name].to_pylist() for name in columns)
    return frozenset(
        Reader(topic, group, service_of[resource])
        for topic, group, resource in zip(topics, groups, resources, strict=True)
    )
