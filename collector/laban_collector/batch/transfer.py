"""A SpanBatch as bytes, for another process of the same laban: its buffers, one after the other.

Not Arrow's own format: that may be compressed, and a few bytes of it can ask for gigabytes. What is read here
is no larger than the bytes that came, and everything about it is checked, for it comes from outside.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

from collections.abc import Iterator
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from laban_collector.batch import span_batch
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.json_parsing import NotJsonError, parse
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
"""Bytes of the length of the head."""
_BELOW: Final = {"kind": 6, "status": 3}
_FROM_ZERO: Final = ("start", "duration", "time", "first", "last")
_ATTRIBUTES: Final = "attributes"


class _Table(msgspec.Struct):
    """How the bytes of one table are divided: of each column the sizes of its buffers, None for no buffer."""

    rows: int
    buffers: dict[str, list[int | None]]


def to_bytes(batch: SpanBatch) -> bytes:
    """A batch as bytes; the head says how they are divided."""
    head: dict[str, _Table] = {}
    parts: list[pa.Buffer] = []
    for name, schema in _TABLES.items():
        table = getattr(batch, name)
        buffers = {field.name: _whole(table[field.name]).buffers() for field in schema}
        sizes = {
            column: [None if one is None else one.size for one in found] for column, found in buffers.items()
        }
        head[name] = _Table(table.num_rows, sizes)
        parts += [one for found in buffers.values() for one in found if one is not None]
    written = msgspec.json.encode(head)
    return b"".join([len(written).to_bytes(_PREFIX), written, *parts])


def from_bytes(sent: bytes) -> SpanBatch:
    """The batch in these bytes.

    Raises:
        UndecodableRequest: they hold none, or one that no decoder of this laban would have made.
    """
    start = _PREFIX + int.from_bytes(sent[:_PREFIX])
    try:
        head = msgspec.json.decode(sent[_PREFIX:start], type=dict[str, _Table])
        buffers = _divided(sent, start, head)
        batch = SpanBatch(**{name: _table(head[name], schema, buffers) for name, schema in _TABLES.items()})
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, ValueError, pa.ArrowException) as error:
        raise UndecodableRequest(
            f"The body is no batch of spans as this version of laban writes them: {error!r}"
        ) from error
    _check(batch)
    return batch


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """One array that begins where its buffers do."""
    return pa.concat_arrays([*column.chunks, pa.array([], column.type)])


def _divided(sent: bytes, start: int, head: dict[str, _Table]) -> Iterator[pa.Buffer | None]:
    """The buffers in their order; raises ValueError when they are not all of the bytes, and no more."""
    sizes = [
        size
        for name, schema in _TABLES.items()
        for field in schema
        for size in head[name].buffers[field.name]
    ]
    if min(filter(None, sizes), default=0) < 0 or start + sum(filter(None, sizes)) != len(sent):
        raise ValueError("its buffers are not as long as it says")
    return _slices(memoryview(sent), start, sizes)


def _slices(sent: memoryview, start: int, sizes: list[int | None]) -> Iterator[pa.Buffer | None]:
    for size in sizes:
        # Copied: Arrow wants its buffers to begin at a multiple of eight bytes.
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
    """What the schemas do not say, and queries rely on; raises UndecodableRequest."""
    for name in _TABLES:
        table = getattr(batch, name)
        for column, limit in _BELOW.items():
            if column in table.column_names and not _all(pc.less(table[column], limit)):
                raise UndecodableRequest(f"A {column} in {name} is none of OTLP's.")
        for column in _FROM_ZERO:
            if column in table.column_names and not _all(pc.greater_equal(table[column].cast(pa.int64()), 0)):
                raise UndecodableRequest(f"A {column} in {name} is before 1970, or below zero.")
        if _ATTRIBUTES in table.column_names:
            _check_objects(pc.unique(table[_ATTRIBUTES]).to_pylist())
    for owned in (batch.events, batch.links):
        if not _all(pc.and_(pc.greater_equal(owned["row"], 0), pc.less(owned["row"], batch.spans.num_rows))):
            raise UndecodableRequest("An event or a link is of no span.")
    for table, ids in ((batch.resources, "resource_id"), (batch.scopes, "scope_id")):
        if not _all(pc.is_in(batch.spans[ids], table[ids])):
            raise UndecodableRequest(f"The {ids} of a span is unknown.")


def _check_objects(texts: list[str | None]) -> None:
    try:
        if all(text is None or isinstance(parse(text.encode()), dict) for text in texts):
            return
    except NotJsonError as error:
        raise UndecodableRequest(f"Attributes that are not JSON: {error}") from error
    raise UndecodableRequest("Attributes that are no JSON object.")


def _all(found: pa.ChunkedArray) -> bool:
    return bool(pc.all(found, min_count=0).as_py())
