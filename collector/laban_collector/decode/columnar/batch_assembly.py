"""Assembly of a SpanBatch from the Arrow arrays that `arrow_messages` reads."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.vocabulary import TAG_SPAN_KIND
from laban_collector.batch import span_batch
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.batch_builder import table
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar.attribute_dictionary import (
    AttributeReader,
    Index,
    JsonObjects,
    Mask,
    as_numpy,
    entry_of_owner,
    lengths,
)
from laban_collector.decode.columnar.business_keys import Children, ColumnarKeyFinder, OriginRange
from laban_collector.decode.columnar.promotion import promote
from laban_collector.decode.origins import Origin
from laban_collector.decode.span_kind import UNSPECIFIED, kind_of_tag
from laban_collector.protect.limits import CUT_MARK
from laban_collector.protect.protection import Protection
from laban_collector.protect.redaction import REDACTED

Ids = NDArray[np.uint64]

_TIME: Final = pa.timestamp("ns")
_MAX_TIME: Final = np.uint64(2**63 - 2)
_KINDS: Final = 6
_CODES: Final = 3


class SpanColumns:
    """Spans with their events and links, as columns.

    Args:
        spans: as in `arrow_messages.read_spans`.
        reader: reads their attributes.
    """

    def __init__(self, spans: pa.StructArray, reader: AttributeReader) -> None:
        self.fields = _fields(spans)
        self.events, self.links = _Children(self.fields["events"]), _Children(self.fields["links"])
        lists = [it["attributes"] for it in (self.fields, self.events.fields, self.links.fields)]
        self.all_attributes = reader.read(lists)
        self.attributes = self.all_attributes.first(len(spans))
        self.status_code = _status(self.fields, "code")
        self._trace_ids = _ids(self.fields["trace_id"], 2)
        self._span_ids = _ids(self.fields["span_id"], 1)

    def __len__(self) -> int:
        return len(self._span_ids)

    def unusual(self) -> Index:
        """Return the spans that cannot be assembled: they need the rules of the decoder span by span."""
        fields = self.fields
        found = self._has_unusual_ids() | self._has_unusual_times()
        for numbers, known in ((fields["kind"], _KINDS), (self.status_code, _CODES)):
            sent = as_numpy(numbers)
            found |= (sent < 0) | (sent >= known)
        repeated = self.all_attributes.owners_with_repeated_keys()
        if len(repeated):
            of_span = np.concatenate([np.arange(len(self)), self.events.span, self.links.span])
            found[of_span[repeated]] = True
        return np.flatnonzero(found)

    def kinds(self) -> NDArray[np.uint8]:
        """Return the kinds; an unspecified one comes from the tag `span.kind`, if there is one."""
        kinds: NDArray[np.uint8] = as_numpy(self.fields["kind"]).astype(np.uint8)
        entries = self.attributes.dictionary
        if TAG_SPAN_KIND not in entries.names:
            return kinds
        tags = entry_of_owner(self.attributes, [entries.with_key(TAG_SPAN_KIND)])
        tagged = np.flatnonzero((tags >= 0) & (kinds == UNSPECIFIED))
        distinct, which = np.unique(tags[tagged], return_inverse=True)
        of_tags = [kind_of_tag(entries.value(entry)) for entry in distinct.tolist()]
        kinds[tagged] = np.array(of_tags, np.uint8)[which]
        return kinds

    def identity(self) -> dict[str, pa.Array]:
        """Return the id columns."""
        return {
            "trace_hi": pa.array(self._trace_ids[:, 0]),
            "trace_lo": pa.array(self._trace_ids[:, 1]),
            "span_id": pa.array(self._span_ids[:, 0]),
        }

    def children(self) -> Children:
        """Return the attributes of events and links."""
        every = self.all_attributes
        first = len(self.attributes.owner)
        of_child = np.concatenate([self.events.span, self.links.span])
        return Children(of_child[every.owner[first:] - len(self)], every.entry[first:])

    def attributes_as_json(self, remaining: Mask) -> list[JsonObjects]:
        """Return the attributes of spans (those in the mask), of events and of links."""
        kept = np.ones(len(self.all_attributes.owner), np.bool_)
        kept[: len(remaining)] = remaining
        return self.all_attributes.json(kept).split([len(self), len(self.events.span), len(self.links.span)])

    def _has_unusual_ids(self) -> Mask:
        fields, links = self.fields, self.links
        # An id of another length reads as zeros.
        unusual = ~self._trace_ids.any(axis=1) | ~self._span_ids.any(axis=1)
        unusual |= _has_other_length(fields["parent_id"], 8)
        of_link = _has_other_length(links.fields["trace_id"], 16) | _has_other_length(
            links.fields["span_id"], 8
        )
        unusual[links.span[of_link]] = True
        return unusual

    def _has_unusual_times(self) -> Mask:
        start, end = as_numpy(self.fields["start"]), as_numpy(self.fields["end"])
        # If the start is beyond the maximum, it is after the end, or the end is beyond the maximum too.
        unusual: Mask = (end < start) | (end > _MAX_TIME)
        unusual[self.events.span[as_numpy(self.events.fields["time"]) > _MAX_TIME]] = True
        return unusual


class BatchAssembler:
    """Assembles batches from columns.

    Args:
        finder: finds business keys.
        protection: redacts secrets and cuts attributes; None to keep everything as sent.
    """

    def __init__(self, finder: KeyFinder, protection: Protection | None) -> None:
        self._protection = protection
        self._attributes = AttributeReader(protection)
        self._keys = ColumnarKeyFinder(finder)

    def read(self, spans: pa.StructArray) -> SpanColumns:
        """Read spans, as in `arrow_messages.read_spans`.

        Raises:
            ValueError: some attributes are invalid, or `ptars` cannot read them.
        """
        return SpanColumns(spans, self._attributes)

    def assemble(self, spans: SpanColumns, origins: Sequence[Origin]) -> SpanBatch:
        """Return all spans as a batch; `origins` are their resources and scopes, in order."""
        kinds = spans.kinds()
        promoted = promote(spans.attributes, kinds, spans.fields["name"])
        start, end = (_times(spans.fields[name]) for name in ("start", "end"))
        identity = spans.identity()
        attributes, of_events, of_links = spans.attributes_as_json(promoted.remaining)
        columns = (
            identity
            | _span_columns(spans, origins, attributes)
            | {
                "kind": pa.array(kinds),
                "start": start,
                "duration": pc.subtract(end.view(pa.int64()), start.view(pa.int64())),
            }
        )
        times = pa.table(
            {"trace_hi": columns["trace_hi"], "trace_lo": columns["trace_lo"], "start": start, "end": end}
        )
        return self._protected(
            SpanBatch(
                spans=_table(span_batch.SPANS, spans.fields | columns | promoted.columns),
                resources=table(span_batch.RESOURCES, _distinct([origin.resource for origin in origins])),
                scopes=table(span_batch.SCOPES, _distinct([origin.scope for origin in origins])),
                events=_table(span_batch.EVENTS, _event_columns(spans.events, identity, of_events)),
                links=_table(span_batch.LINKS, _link_columns(spans.links, identity, of_links)),
                correlations=self._keys.correlations(
                    times, spans.attributes, promoted, spans.children(), _ranges(origins)
                ),
            ),
            are_attributes_changed=spans.attributes.dictionary.is_changed or _are_changed(origins),
        )

    def _protected(self, batch: SpanBatch, *, are_attributes_changed: bool) -> SpanBatch:
        """Protect the remaining texts; attributes, resources and scopes are protected already."""
        protection = self._protection
        if protection is None:
            return batch
        spans, events, links = protection.protect_names(
            [protection.redact_promoted_columns(batch.spans), batch.events, batch.links]
        )
        return replace(
            batch,
            spans=spans,
            events=events,
            links=links,
            correlations=protection.filter_correlations(
                batch.correlations, are_attributes_changed=are_attributes_changed
            ),
        )


class _Children:
    """The events or the links of many spans."""

    def __init__(self, lists: pa.ListArray) -> None:
        self.span: Index = np.repeat(np.arange(len(lists)), as_numpy(pc.list_value_length(lists)))
        self.fields = _fields(lists.flatten())

    def columns(self, identity: Mapping[str, pa.Array], objects: JsonObjects) -> dict[str, pa.Array]:
        """Return their fields, with the attributes as JSON and the ids of their spans."""
        rows = pa.array(self.span)
        of_span = {name: column.take(rows) for name, column in identity.items()}
        return (
            self.fields
            | of_span
            | {
                "row": rows,
                "attributes": objects.texts,
                "dropped_attributes": _add(self.fields["dropped_attributes"], objects.dropped),
            }
        )


def _are_changed(origins: Sequence[Origin]) -> bool:
    """Whether an attribute of a resource or a scope was redacted or truncated."""
    texts = {text for origin in origins for text in (origin.resource.attributes, origin.scope.attributes)}
    return any(REDACTED in text or CUT_MARK in text for text in texts)


def _ranges(origins: Sequence[Origin]) -> list[OriginRange]:
    ends = itertools.accumulate(origin.spans for origin in origins)
    return [
        OriginRange((origin.resource.attributes, origin.scope.attributes), end - origin.spans, end)
        for origin, end in zip(origins, ends, strict=True)
    ]


def _span_columns(
    spans: SpanColumns, origins: Sequence[Origin], attributes: JsonObjects
) -> dict[str, pa.Array]:
    """Return the columns that differ from the fields sent, without ids, kinds, times and promoted columns."""
    fields, counts = spans.fields, [origin.spans for origin in origins]
    return {
        "parent_id": pa.array(_ids(fields["parent_id"], 1)[:, 0]),
        "status": spans.status_code.cast(pa.uint8()),
        "status_message": _none_if_empty(_status(fields, "message")),
        "trace_state": _none_if_empty(fields["trace_state"]),
        "resource_id": _repeated([origin.resource.resource_id for origin in origins], counts),
        "scope_id": _repeated([origin.scope.scope_id for origin in origins], counts),
        "attributes": attributes.texts,
        "dropped_attributes": _add(fields["dropped_attributes"], attributes.dropped),
    }


def _event_columns(
    events: _Children, identity: Mapping[str, pa.Array], objects: JsonObjects
) -> dict[str, pa.Array]:
    return events.columns(identity, objects) | {"time": _times(events.fields["time"])}


def _link_columns(
    links: _Children, identity: Mapping[str, pa.Array], objects: JsonObjects
) -> dict[str, pa.Array]:
    trace_ids, span_ids = _ids(links.fields["trace_id"], 2), _ids(links.fields["span_id"], 1)
    return links.columns(identity, objects) | {
        "linked_trace_hi": pa.array(trace_ids[:, 0]),
        "linked_trace_lo": pa.array(trace_ids[:, 1]),
        "linked_span_id": pa.array(span_ids[:, 0]),
        "trace_state": _none_if_empty(links.fields["trace_state"]),
    }


def _add(dropped: pa.UInt32Array, more: Index) -> pa.UInt32Array:
    """Add counts of attributes dropped here to the counts of the sender."""
    return pc.add(dropped, pa.array(more.astype(np.uint32))) if more.any() else dropped


def _fields(structs: pa.StructArray) -> dict[str, pa.Array]:
    return {field.name: structs.field(field.name) for field in structs.type}


def _table(schema: pa.Schema, columns: Mapping[str, pa.Array]) -> pa.Table:
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _status(spans: Mapping[str, pa.Array], name: str) -> pa.Array:
    """Return a field of the status; its default if there is no status."""
    return pc.fill_null(pc.struct_field(spans["status"], name), 0 if name == "code" else "")


def _ids(ids: pa.BinaryArray, words: int) -> Ids:
    """Return big-endian ids as `words` integers each; zeros for an id of another length."""
    result = np.zeros((len(ids), words), np.uint64)
    length = lengths(ids)
    whole = length == 8 * words
    if whole.any():
        if length[~whole].any():  # empty ids take no bytes in the buffer
            ids = ids.filter(pa.array(whole))
        _, offsets, data = ids.buffers()
        start = int(np.frombuffer(offsets, np.int32)[ids.offset])
        count = int(whole.sum()) * words
        result[whole] = np.frombuffer(data, ">u8", count=count, offset=start).reshape(-1, words)
    return result


def _has_other_length(ids: pa.BinaryArray, length: int) -> Mask:
    """Return a mask of the ids that are not empty and have another length."""
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
    """Return one row for each distinct id; the id is the first item."""
    return list({row[0]: row for row in rows}.values())
