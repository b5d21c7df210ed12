"""The wire format of a SpanBatch, for another process with the same version of laban.

It is a header followed by the Arrow buffers. Arrow's own IPC format may be compressed, so that a few bytes
can request gigabytes. A batch in this format is no larger than the bytes received. They come from outside, so
everything in them is checked.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

from collections.abc import Iterator
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from laban_collector.batch import span_batch
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.json_documents import NotJsonError, parse
from laban_collector.errors import UndecodableRequest

_TABLES: Final = {
    "spans": span_batch.SPANS,
    "resources": span_batch.RESOURCES,
    "scopes": span_batch.SCOPES,
    "events": span_batch.EVENTS,
    "links": span_batch.LINKS,
    "correlations": span_batch.CORRELATIONS,
}
_PREFIX: Final = 4
"""Bytes of the length of the header."""
_BELOW: Final = {"kind": 6, "status": 3}
_FROM_ZERO: Final = ("start", "duration", "time", "first", "last")
_LAST: Final = 2**63 - 2
_ATTRIBUTES: Final = "attributes"


class _Table(msgspec.Struct):
    """The layout of one table: the sizes of the buffers of each column, None for a missing buffer."""

    rows: int
    buffers: dict[str, list[int | None]]


def to_bytes(batch: SpanBatch) -> bytes:
    """Serialize a batch."""
    head: dict[str, _Table] = {}
    parts: list[pa.Buffer] = []
    for name, schema in _TABLES.items():
        table = getattr(batch, name)
        buffers = {field.name: _as_one_array(table[field.name]).buffers() for field in schema}
        sizes = {
            column: [None if one is None else one.size for one in found] for column, found in buffers.items()
        }
        head[name] = _Table(table.num_rows, sizes)
        parts += [one for found in buffers.values() for one in found if one is not None]
    written = msgspec.json.encode(head)
    return b"".join([len(written).to_bytes(_PREFIX), written, *parts])


def from_bytes(sent: bytes) -> SpanBatch:
    """Deserialize a batch.

    Raises:
        UndecodableRequest: the bytes are not a batch, or not one that a decoder of this version could make.
    """
    start = _PREFIX + int.from_bytes(sent[:_PREFIX])
    try:
        head = msgspec.json.decode(sent[_PREFIX:start], type=dict[str, _Table])
        buffers = _divided(sent, start, head)
        batch = SpanBatch(**{name: _table(head[name], schema, buffers) for name, schema in _TABLES.items()})
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, ValueError, pa.ArrowException) as error:
        raise UndecodableRequest(
            f"The body is not a batch of spans in the format of this version of laban: {error!r}"
        ) from error
    _check(batch)
    return batch


def _as_one_array(column: pa.ChunkedArray) -> pa.Array:
    """Return the column as one array without an offset."""
    return pa.concat_arrays([*column.chunks, pa.array([], column.type)])


def _divided(sent: bytes, start: int, head: dict[str, _Table]) -> Iterator[pa.Buffer | None]:
    """Yield the buffers in their order; raises ValueError if their sizes do not match the bytes received."""
    sizes = [
        size
        for name, schema in _TABLES.items()
        for field in schema
        for size in head[name].buffers[field.name]
    ]
    if min(filter(None, sizes), default=0) < 0 or start + sum(filter(None, sizes)) != len(sent):
        raise ValueError("the sizes in the header do not match the bytes")
    return _slices(memoryview(sent), start, sizes)


def _slices(sent: memoryview, start: int, sizes: list[int | None]) -> Iterator[pa.Buffer | None]:
    for size in sizes:
        # Copied, because Arrow needs buffers that are aligned to eight bytes.
        yield None if size is None else pa.py_buffer(bytes(sent[start : start + size]))
        start += size or 0


def _table(division: _Table, schema: pa.Schema, buffers: Iterator[pa.Buffer | None]) -> pa.Table:
    columns: list[pa.Array] = []
    for field in schema:
        found = [next(buffers) for _ in division.buffers[field.name]]
        columns.append(pa.Array.from_buffers(field.type, division.rows, found))
        columns[-1].validate(full=True)
        if not field.nullable and columns[-1].null_count:
            raise ValueError(f"{field.name} has nulls")
    return pa.Table.from_arrays(columns, schema=schema)


def _check(batch: SpanBatch) -> None:
    """Check what queries rely on beyond the schemas; raises UndecodableRequest."""
    for name in _TABLES:
        table = getattr(batch, name)
        for column, limit in _BELOW.items():
            if column in table.column_names and not _all(pc.less(table[column], limit)):
                raise UndecodableRequest(f"A {column} in {name} is not defined by OTLP.")
        for column in set(_FROM_ZERO).intersection(table.column_names):
            numbers = table[column].cast(pa.int64())
            if not _all(pc.greater_equal(numbers, 0)):
                raise UndecodableRequest(f"A {column} in {name} is before 1970 or negative.")
            if not _all(pc.less_equal(numbers, _LAST)):
                raise UndecodableRequest(f"A {column} in {name} is after the year 2262.")
        if _ATTRIBUTES in table.column_names:
            _check_objects(pc.unique(table[_ATTRIBUTES]).to_pylist())
    for owned in (batch.events, batch.links):
        if not _all(pc.and_(pc.greater_equal(owned["row"], 0), pc.less(owned["row"], batch.spans.num_rows))):
            raise UndecodableRequest("An event or a link belongs to no span.")
    for table, ids in ((batch.resources, "resource_id"), (batch.scopes, "scope_id")):
        if not _all(pc.is_in(batch.spans[ids], table[ids])):
            raise UndecodableRequest(f"The {ids} of a span is unknown.")


def _check_objects(texts: list[str | None]) -> None:
    try:
        if all(text is None or isinstance(parse(text.encode()), dict) for text in texts):
            return
    except NotJsonError as error:
        raise UndecodableRequest(f"Attributes that are not JSON: {error}") from error
    raise UndecodableRequest("Attributes that are not a JSON object.")


def _all(found: pa.ChunkedArray) -> bool:
    return bool(pc.all(found, min_count=0).as_py())
