"""Finds the orders before and after one: among all, and among those that share another business key."""

from collections.abc import Iterator, Sequence
from typing import Final

from laban.vocabulary import KAFKA_KEY_CORRELATION
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import TraceRef, ValueRef
from laban_mapper.model import Neighbour, NeighbourRow, Neighbours
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import storable, utc_time

_TRACES: Final = 200
"""The newest traces of a shared key that are looked at."""
_KEYS: Final = 50
"""Keys of one trace."""
_ROWS: Final = 4
"""Shared keys that are told."""
_AROUND: Final = tuple(seconds * NS_PER_S for seconds in (2, 60, 3600))
"""How far from an order the next one is looked for, the shortest first."""
_MOST: Final = 1_000


def neighbours_of(reader: SpanReader, key: str, value: str) -> Neighbours:
    """The orders before and after one; empty if it is unknown.

    Args:
        reader: of the store.
        key: a business key or its first part.
        value: its value.
    """
    with reader.at_one_moment():
        own = reader.traces_with(key, value, _TRACES)
        known = _keys(reader, own)
        names = sorted(name for name, found in known if found == value and name.startswith(key))
        if not names:
            return Neighbours(key=key, value=value, rows=[])
        name = names[0]
        last = max(ref.last for ref in own)
        rows = [_of_all(reader, name, value, last)]
        shared = sorted(
            (other, found)
            for other, found in known
            if found != value and other not in (name, KAFKA_KEY_CORRELATION)
        )
        rows += [_of_shared(reader, name, value, *one) for one in shared[:_ROWS]]
    return Neighbours(
        key=name,
        value=value,
        rows=[row for row in rows if row.previous or row.next],
        left_out=max(len(shared) - _ROWS, 0),
    )


def _keys(reader: SpanReader, traces: Sequence[TraceRef]) -> set[tuple[str, str]]:
    return {pair for pairs in _keys_of(reader, traces).values() for pair in pairs}


def _keys_of(reader: SpanReader, traces: Sequence[TraceRef]) -> dict[str, list[tuple[str, str]]]:
    if not traces:
        return {}
    since, until = min(ref.first for ref in traces), max(ref.last for ref in traces) + 1
    return reader.keys_of([ref.trace_id for ref in traces], since, storable(until), _KEYS)


def _of_shared(reader: SpanReader, name: str, value: str, key: str, shared: str) -> NeighbourRow:
    """The orders before and after one with the same value of another key, by their first spans."""
    traces = reader.traces_with(key, shared, _TRACES)
    keys = _keys_of(reader, traces)
    first: dict[str, int] = {}
    for ref in traces:
        for other, found in keys.get(ref.trace_id, ()):
            if other == name:
                first[found] = min(first.get(found, ref.first), ref.first)
    ordered = sorted(first, key=lambda one: (first[one], one))
    place = ordered.index(value) if value in first else len(ordered)
    before = ordered[place - 1] if 0 < place < len(ordered) else None
    after = ordered[place + 1] if place + 1 < len(ordered) else None
    return NeighbourRow(
        key=key,
        value=shared,
        previous=None if before is None else Neighbour(value=before, time=utc_time(first[before])),
        next=None if after is None else Neighbour(value=after, time=utc_time(first[after])),
        orders=len(ordered),
        truncated=len(traces) >= _TRACES,
    )


def _of_all(reader: SpanReader, name: str, value: str, last: int) -> NeighbourRow:
    """The orders whose last span comes just before and just after that of one."""
    before = next(_around(reader, name, value, last, -1), None)
    after = next(_around(reader, name, value, last, 1), None)
    return NeighbourRow(key=name, value=None, previous=_neighbour(before), next=_neighbour(after))


def _around(reader: SpanReader, name: str, value: str, last: int, step: int) -> Iterator[ValueRef]:
    """The nearest values on one side, by their last spans; nothing if there are too many to tell."""
    for distance in _AROUND:
        window = (last - distance, last + 1) if step < 0 else (last, last + distance)
        found = reader.newest_values(name, storable(window[0]), storable(window[1]), _MOST)
        others = [
            ref
            for ref in found
            if ref.key == name and ref.value != value and (ref.last <= last if step < 0 else ref.last >= last)
        ]
        if others and step < 0:
            yield max(others, key=lambda ref: (ref.last, ref.value))
        elif others and len(found) < _MOST:
            yield min(others, key=lambda ref: (ref.last, ref.value))


def _neighbour(ref: ValueRef | None) -> Neighbour | None:
    return None if ref is None else Neighbour(value=ref.value, time=utc_time(ref.last))
