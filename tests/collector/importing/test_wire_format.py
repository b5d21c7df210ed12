# pyright: reportUnknownParameterType=false
# pyarrow ships no types: pyright does not know its tables in signatures.

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pytest

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.batch.splitter import halves
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.errors import UndecodableRequest
from laban_collector.importing.wire_format import from_bytes, to_bytes

from ..requests import START, body, key_values, span

TABLES = ("spans", "resources", "scopes", "events", "links", "correlations")


def batch(spans: int = 3) -> SpanBatch:
    """Return spans that each have an order id, an event and a link."""
    sent = [span(number, {"order.id": f"o-{number}", "n": number}) for number in range(spans)]
    for number, one in enumerate(sent):
        one.events.add(time_unix_nano=START, name=f"event {number}", attributes=key_values({"ü": True}))
        one.links.add(trace_id=b"\xee" * 16, span_id=bytes([0, 0, 0, 0, 0, 0, 0, number + 1]))
    return decode([body(*sent)], KeyFinder()).batch


def rows(made: SpanBatch) -> dict[str, list[object]]:
    return {name: getattr(made, name).to_pylist() for name in TABLES}


def test_a_batch_round_trips() -> None:
    assert rows(from_bytes(to_bytes(batch()))) == rows(batch())


def test_a_slice_and_an_empty_batch_round_trip() -> None:
    for half in halves(batch(5)):
        assert rows(from_bytes(to_bytes(half))) == rows(half)
    empty = decode([], KeyFinder()).batch
    assert rows(from_bytes(to_bytes(empty))) == rows(empty)


def test_halves_contain_the_events_and_links_of_their_spans() -> None:
    first, second = halves(batch(5))
    assert [half.spans["name"].to_pylist() for half in (first, second)] == [
        ["span 0", "span 1"],
        ["span 2", "span 3", "span 4"],
    ]
    assert second.events["row"].to_pylist() == second.links["row"].to_pylist() == [0, 1, 2]
    assert second.events["name"].to_pylist() == ["event 2", "event 3", "event 4"]


def with_column(table: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    at = table.column_names.index(name)
    field = table.schema.field(at)
    return table.set_column(at, field, pa.array(values, field.type))


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        ("spans", "kind", 6, "kind"),
        ("spans", "duration", -1, "duration"),
        ("spans", "duration", 2**63 - 1, "after the year 2262"),
        ("spans", "name", None, "nulls"),
        ("spans", "attributes", "[]", "not a JSON object"),
        ("spans", "attributes", "{", "not JSON"),
        ("spans", "resource_id", 7, "resource_id"),
        ("events", "row", 1, "belongs to no span"),
    ],
)
def test_a_batch_that_no_decoder_could_make_is_refused(
    table: str, column: str, value: object, reason: str
) -> None:
    made = batch(1)
    changed = with_column(getattr(made, table), column, [value])
    with pytest.raises(UndecodableRequest, match=reason):
        from_bytes(to_bytes(replace(made, **{table: changed})))


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b'"rows":3', b'"rows":9'),
        (b'"rows":3', b'"rows":-1'),
        (b'"kind"', b'"sort"'),
        (b"span 0", b"span \xff"),
        (b"span 0", b"span"),
        (b"span 0", b"span 000"),
    ],
)
def test_a_damaged_batch_or_one_of_another_version_is_refused(written: bytes, instead: bytes) -> None:
    with pytest.raises(UndecodableRequest, match="this version of laban"):
        from_bytes(to_bytes(batch()).replace(written, instead, 1))


def test_bytes_that_are_not_a_batch_are_refused() -> None:
    for sent in (b"", b"\xff" * 100, to_bytes(batch())[:-1]):
        with pytest.raises(UndecodableRequest, match="this version of laban"):
            from_bytes(sent)
