"""Spans as `ptars` reads them, to a SpanBatch."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban_collector.batch import span_batch
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.batch_builder import ResourceRow, ScopeRow, table
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar.attribute_dictionary import (
    Index,
    Mask,
    Objects,
    as_numpy,
    lengths,
    read_attributes,
)
from laban_collector.decode.columnar.business_keys import correlate
from laban_collector.decode.columnar.promotion import promote
from laban_collector.protect.protection import Protection

Ids = NDArray[np.uint64]

_TIME: Final = pa.timestamp("ns")
_MAX_TIME: Final = np.uint64(2**63 - 1)
_TEXTS: Final = {"name", "status_message", "trace_state"}
_KINDS: Final = 6
_CODES: Final = 3


class Origin(NamedTuple):
    """So many spans, one after the other, of one resource and one scope."""

    resource: ResourceRow
    scope: ScopeRow
    spans: int


class ReadSpans:
    """Spans, with their events and links, as `wire.read_spans` gives them.

    Args:
        spans: as read.
        protection: what must not be stored as it came; None: nothing.
    """

    def __init__(self, spans: pa.StructArray, protection: Protection | None = None) -> None:
        self._protection = protection
        self._spans = _fields(spans)
        self._events, self._links = _Owned(self._spans["events"]), _Owned(self._spans["links"])
        sent = [it["attributes"] for it in (self._spans, self._events.fields, self._links.fields)]
        self._all_attributes = read_attributes(sent, protection)
        self._attributes = self._all_attributes.first(len(spans))
        self._code = _status(self._spans, "code")
        self._trace_ids = _ids(self._spans["trace_id"], 2)
        self._span_ids = _ids(self._spans["span_id"], 1)

    def __len__(self) -> int:
        return len(self._span_ids)

    def out_of_the_ordinary(self) -> Index:
        """The spans that `to_batch` must not be asked for: they need the rules of the exact decoder."""
        spans = self._spans
        odd = self._has_odd_ids() | self._has_odd_times()
        for numbers, known in ((spans["kind"], _KINDS), (self._code, _CODES)):
            sent = as_numpy(numbers)
            odd |= (sent < 0) | (sent >= known)
        repeated = self._all_attributes.owners_with_repeated_keys()
        if len(repeated):
            of_span = np.concatenate([np.arange(len(self)), self._events.span, self._links.span])
            odd[of_span[repeated]] = True
        return np.flatnonzero(odd)

    def to_batch(self, origins: Sequence[Origin], finder: KeyFinder) -> SpanBatch:
        """All spans as a batch; `origins` tells whose they are."""
        spans, counts = self._spans, [origin.spans for origin in origins]
        promoted = promote(self._attributes, as_numpy(spans["kind"]).astype(np.uint8))
        start, end = (_times(spans[name]) for name in ("start", "end"))
        identity = self._identity()
        attributes, of_events, of_links = self._objects(promoted.remaining)
        columns = identity | {
            "parent_id": pa.array(_ids(spans["parent_id"], 1)[:, 0]),
            "start": start,
            "duration": pc.subtract(end.view(pa.int64()), start.view(pa.int64())),
            "kind": spans["kind"].cast(pa.uint8()),
            "status": self._code.cast(pa.uint8()),
            "status_message": _none_if_empty(_status(spans, "message")),
            "trace_state": _none_if_empty(spans["trace_state"]),
            "resource_id": _repeated([origin.resource.resource_id for origin in origins], counts),
            "scope_id": _repeated([origin.scope.scope_id for origin in origins], counts),
            "attributes": attributes.texts,
            "dropped_attributes": _more(spans["dropped_attributes"], attributes.dropped),
        }
        times = pa.table(
            {"trace_hi": columns["trace_hi"], "trace_lo": columns["trace_lo"], "start": start, "end": end}
        )
        found = correlate(times, self._attributes, promoted, finder)
        stored = _table(span_batch.SPANS, spans | columns | promoted.columns)
        events = _table(span_batch.EVENTS, self._events.columns(identity, of_events) | self._event_columns())
        links = _table(span_batch.LINKS, self._links.columns(identity, of_links) | self._link_columns())
        if (protection := self._protection) is not None:
            found, stored = (
                protection.told(found, protected=self._attributes.pairs.protected),
                protection.promoted(stored),
            )
            stored, events, links = _protected(protection, (stored, events, links))
        return SpanBatch(
            spans=stored,
            resources=table(span_batch.RESOURCES, _distinct([origin.resource for origin in origins])),
            scopes=table(span_batch.SCOPES, _distinct([origin.scope for origin in origins])),
            events=events,
            links=links,
            correlations=found,
        )

    def _objects(self, remaining: Mask) -> list[Objects]:
        """The attributes of spans that have no column, of events and of links."""
        kept = np.ones(len(self._all_attributes.owner), np.bool_)
        kept[: len(remaining)] = remaining
        return self._all_attributes.json(kept).split(
            [len(self), len(self._events.span), len(self._links.span)]
        )

    def _identity(self) -> dict[str, pa.Array]:
        return {
            "trace_hi": pa.array(self._trace_ids[:, 0]),
            "trace_lo": pa.array(self._trace_ids[:, 1]),
            "span_id": pa.array(self._span_ids[:, 0]),
        }

    def _has_odd_ids(self) -> Mask:
        spans, links = self._spans, self._links
        odd = ~self._trace_ids.any(axis=1) | ~self._span_ids.any(axis=1)  # a wrong length reads as zeros
        odd |= _has_other_length(spans["parent_id"], 8)
        of_link = _has_other_length(links.fields["trace_id"], 16) | _has_other_length(
            links.fields["span_id"], 8
        )
        odd[links.span[of_link]] = True
        return odd

    def _has_odd_times(self) -> Mask:
        start, end = as_numpy(self._spans["start"]), as_numpy(self._spans["end"])
        odd: Mask = (end < start) | (end > _MAX_TIME)  # a start beyond is after the end, or the end is too
        odd[self._events.span[as_numpy(self._events.fields["time"]) > _MAX_TIME]] = True
        return odd

    def _event_columns(self) -> dict[str, pa.Array]:
        return {"time": _times(self._events.fields["time"])}

    def _link_columns(self) -> dict[str, pa.Array]:
        links = self._links.fields
        trace_ids, span_ids = _ids(links["trace_id"], 2), _ids(links["span_id"], 1)
        return {
            "linked_trace_hi": pa.array(trace_ids[:, 0]),
            "linked_trace_lo": pa.array(trace_ids[:, 1]),
            "linked_span_id": pa.array(span_ids[:, 0]),
            "trace_state": _none_if_empty(links["trace_state"]),
        }


class _Owned:
    """What many spans have lists of: their events, or their links."""

    def __init__(self, lists: pa.ListArray) -> None:
        self.span: Index = np.repeat(np.arange(len(lists)), as_numpy(pc.list_value_length(lists)))
        self.fields = _fields(lists.flatten())

    def columns(self, identity: Mapping[str, pa.Array], objects: Objects) -> dict[str, pa.Array]:
        """Their fields as they are, with their attributes as text and the ids of their spans."""
        rows = pa.array(self.span)
        of_span = {name: column.take(rows) for name, column in identity.items()}
        return (
            self.fields
            | of_span
            | {
                "row": rows,
                "attributes": objects.texts,
                "dropped_attributes": _more(self.fields["dropped_attributes"], objects.dropped),
            }
        )


def _more(dropped: pa.UInt32Array, more: Index) -> pa.UInt32Array:
    """Counts of what a sender dropped, and of what we did."""
    return pc.add(dropped, pa.array(more.astype(np.uint32))) if more.any() else dropped


def _protected(protection: Protection, tables: Sequence[pa.Table]) -> Sequence[pa.Table]:
    """Tables whose own texts, which are no attributes, are protected too.

    Looked through together: to begin a search costs more than to search what few distinct texts there are.
    """
    columns = [table[name] for table in tables for name in table.column_names if name in _TEXTS]
    distinct = set[str | None]().union(*(pc.unique(column).to_pylist() for column in columns))
    if protection.are_harmless({text for text in distinct if text}):
        return tables
    return [_with_safe_texts(protection, table) for table in tables]


def _with_safe_texts(protection: Protection, rows: pa.Table) -> pa.Table:
    for at, field in enumerate(rows.schema):
        if field.name in _TEXTS:
            rows = rows.set_column(at, field, protection.texts(rows[field.name]))
    return rows


def _fields(structs: pa.StructArray) -> dict[str, pa.Array]:
    return {field.name: structs.field(field.name) for field in structs.type}


def _table(schema: pa.Schema, columns: Mapping[str, pa.Array]) -> pa.Table:
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _status(spans: Mapping[str, pa.Array], name: str) -> pa.Array:
    """A field of the status, its default where there is no status."""
    return pc.fill_null(pc.struct_field(spans["status"], name), 0 if name == "code" else "")


def _ids(ids: pa.BinaryArray, words: int) -> Ids:
    """Big-endian ids as so many integers each; zeros for an id of another length."""
    result = np.zeros((len(ids), words), np.uint64)
    length = lengths(ids)
    whole = length == 8 * words
    if whole.any():
        if length[~whole].any():  # those without one are not in the way
            ids = ids.filter(pa.array(whole))
        _, offsets, data = ids.buffers()
        start = int(np.frombuffer(offsets, np.int32)[ids.offset])
        count = int(whole.sum()) * words
        result[whole] = np.frombuffer(data, ">u8", count=count, offset=start).reshape(-1, words)
    return result


def _has_other_length(ids: pa.BinaryArray, length: int) -> Mask:
    """Those that are neither there nor missing."""
    found = lengths(ids)
    other: Mask = (found != 0) & (found != length)
    return other


def _times(sent: pa.UInt64Array) -> pa.TimestampArray:
    return sent.view(_TIME)


def _none_if_empty(texts: pa.StringArray) -> pa.StringArray:
    empty = lengths(texts) == 0
    if not empty.any():
        return texts
    return pa.nulls(len(texts), pa.string()) if empty.all() else pc.if_else(pa.array(empty), None, texts)


def _repeated(ids: Sequence[int], counts: Sequence[int]) -> pa.Array:
    return pa.array(np.repeat(np.array(ids, np.uint64), counts))


def _distinct(rows: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The rows with distinct ids, which stand first."""
    return list({row[0]: row for row in rows}.values())
