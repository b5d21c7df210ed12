"""Under which business keys a value is known: whether a question means one order, and which others do."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from laban_app.answers.cut import MAX_FOUND
from laban_app.errors import SeveralKeys, UnknownValue, asked_with
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import TraceRef

Follow = Callable[[Sequence[TraceRef]], Collection[str]]
"""Returns the traces that follow from some traces, and these."""


class Meaning(NamedTuple):
    """What a question about a key and a value means.

    Attributes:
        traces: the traces to tell of; None: those of all keys that start with the key.
        others: the other keys that have the value.
    """

    traces: list[TraceRef] | None
    others: list[str]


def meaning_of(reader: SpanReader, key: str, value: str, follow: Follow) -> Meaning:
    """Find out what a question about a business key, or its first part, and a value means.

    Keys that have the value in one trace mean the same order, and so do those of traces that follow from each
    other.

    Raises:
        UnknownValue: only other keys have the value. A bare Kafka key does not help then: it may mean these.
        SeveralKeys: several keys that start with the key have the value, and mean different orders.
    """
    orders = _overlapping(reader.keys_with(value, MAX_FOUND))
    asked = [keys for keys in orders if any(one.startswith(key) for one in keys)]
    exact = [keys for keys in asked if key in keys]
    others = sorted(one for keys in orders if keys not in (exact or asked) for one in keys)
    if others and not asked:
        raise UnknownValue(key, value, [], others)
    if len(asked) < 2:
        return Meaning(None, others)
    known = reader.traces_of_values(key, [value], MAX_FOUND)
    if exact:
        return Meaning(known[key, value], others)
    if not _is_one_order([_traces(known, keys, value) for keys in asked], follow):
        raise SeveralKeys(key, value, [min(one for one in keys if one.startswith(key)) for keys in asked])
    return Meaning(None, others)


def note_of(value: str, others: Sequence[str]) -> str:
    """One sentence without a full stop about the other keys that have a value."""
    return f"{value} is also a value of {asked_with(others, value)}"


class ChosenTraces:
    """A reader for the story of some traces, whatever business keys they have.

    Args:
        reader: of the store.
        traces: the traces.
    """

    def __init__(self, reader: SpanReader, traces: Sequence[TraceRef]) -> None:
        self._reader: Final = reader
        self._traces: Final = traces

    def __getattr__(self, name: str) -> Any:
        """Return a method that does not depend on a business key."""
        return getattr(self._reader, name)

    def keys_with(self, _: str, __: int) -> list[frozenset[str]]:
        """Return nothing: the traces are chosen."""
        return []

    def traces_with(self, _: str, __: str, limit: int) -> list[TraceRef]:
        """Return the traces, newest first."""
        return list(self._traces[:limit])


def chosen(reader: SpanReader, traces: Sequence[TraceRef]) -> SpanReader:
    """Return a reader for the story of some traces, newest first."""
    return cast("SpanReader", ChosenTraces(reader, traces))


def _overlapping(sets: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Join the sets that share a key."""
    joined: list[frozenset[str]] = []
    for one in sets:
        apart = [other for other in joined if not other & one]
        joined = [*apart, one.union(*(other for other in joined if other & one))]
    return joined


def _traces(
    known: Mapping[tuple[str, str], Sequence[TraceRef]], keys: Collection[str], value: str
) -> list[TraceRef]:
    return [ref for key in keys for ref in known.get((key, value), ())]


def _is_one_order(orders: Sequence[Sequence[TraceRef]], follow: Follow) -> bool:
    """Whether all the traces follow from those of one key."""
    for first in orders:
        reached = set(follow(first))
        if all(any(ref.trace_id in reached for ref in refs) for refs in orders):
            return True
    return False
