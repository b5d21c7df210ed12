"""Two batches as one."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

import pyarrow as pa
import pyarrow.compute as pc

from laban_collector.span_batch import SpanBatch


def join(first: SpanBatch, second: SpanBatch) -> SpanBatch:
    """The spans of both, the first one's before the second one's."""
    moved = first.spans.num_rows
    return SpanBatch(
        spans=pa.concat_tables([first.spans, second.spans]),
        resources=_distinct("resource_id", first.resources, second.resources),
        scopes=_distinct("scope_id", first.scopes, second.scopes),
        events=pa.concat_tables([first.events, _move(second.events, moved)]),
        links=pa.concat_tables([first.links, _move(second.links, moved)]),
        correlations=_correlations(first.correlations, second.correlations),
    )


def _distinct(key: str, first: pa.Table, second: pa.Table) -> pa.Table:
    new = pc.invert(pc.is_in(second[key], first[key]))
    return pa.concat_tables([first, second.filter(new)])


def _move(owned: pa.Table, rows: int) -> pa.Table:
    """Events or links whose spans stand so many rows further down."""
    return owned.set_column(0, owned.schema.field("row"), pc.add(owned["row"], rows))


def _correlations(first: pa.Table, second: pa.Table) -> pa.Table:
    if not first.num_rows or not second.num_rows:
        return pa.concat_tables([first, second])
    by = ["key", "value", "trace_hi", "trace_lo"]
    grouped = pa.concat_tables([first, second]).group_by(by, use_threads=False)
    both = grouped.aggregate([("first", "min"), ("last", "max")])
    return pa.Table.from_arrays(
        [*(both[name] for name in by), both["first_min"], both["last_max"]], schema=first.schema
    )
