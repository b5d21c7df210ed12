from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa
import pytest

from laban_collector.correlations import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.errors import UndecodableRequest
from laban_collector.importing.batch_bytes import from_bytes, to_bytes
from laban_collector.span_batch import SpanBatch, halves

from .requests import START, body, key_values, span

TABLES = ("spans", "resources", "scopes", "events", "links", "correlations")


def batch(spans: int = 3) -> SpanBatch:
    """Spans of which each has an order, an event and a link."""
    sent = [span(number, {"order.id": f"o-{number}", "n": number}) for number in range(spans)]
    for number, one in enumerate(sent):
        one.events.add(time_unix_nano=START, name=f"event {number}", attributes=key_values({"ü": True}))
        one.links.add(trace_id=b"\xee" * 16, span_id=bytes([0, 0, 0, 0, 0, 0, 0, number + 1]))
    return decode([body(*sent)], KeyFinder()).batch


def rows(made: SpanBatch) -> dict[str, list[object]]:
    return {name: getattr(made, name).to_pylist() for name in TABLES}


def test_a_batch_comes_back_equal() -> None:
    assert rows(from_bytes(to_bytes(batch()))) == rows(batch())


def test_so_does_a_part_of_one_and_an_empty_one() -> None:
    for half in halves(batch(5)):
        assert rows(from_bytes(to_bytes(half))) == rows(half)
    empty = decode([], KeyFinder()).batch
    assert rows(from_bytes(to_bytes(empty))) == rows(empty)


def test_halves_have_what_belongs_to_their_spans() -> None:
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
    ("change", "reason"),
    [
        (lambda it: replace(it, spans=with_column(it.spans, "kind", [6])), "kind"),
        (lambda it: replace(it, spans=with_column(it.spans, "duration", [-1])), "duration"),
        (lambda it: replace(it, spans=with_column(it.spans, "name", [None])), "nulls"),
        (lambda it: replace(it, spans=with_column(it.spans, "attributes", ["[]"])), "no JSON object"),
        (lambda it: replace(it, spans=with_column(it.spans, "attributes", ["{"])), "not JSON"),
        (lambda it: replace(it, spans=with_column(it.spans, "resource_id", [7])), "resource_id"),
        (lambda it: replace(it, events=with_column(it.events, "row", [1])), "of no span"),
    ],
)
def test_what_no_decoder_would_have_made_is_refused(
    change: Callable[[SpanBatch], SpanBatch], reason: str
) -> None:
    with pytest.raises(UndecodableRequest, match=reason):
        from_bytes(to_bytes(change(batch(1))))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sent: b"",
        lambda sent: sent[:-1],
        lambda sent: sent + b"x",
        lambda sent: sent.replace(b'"rows":3', b'"rows":9', 1),
        lambda sent: sent.replace(b'"rows":3', b'"rows":-1', 1),
        lambda sent: sent.replace(b'"kind"', b'"sort"', 1),
        lambda sent: sent.replace(b"span 0", b"span \xff", 1),
        lambda sent: b"\xff" * 100,
    ],
)
def test_what_is_damaged_or_of_another_version_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(UndecodableRequest, match="this version of laban"):
        from_bytes(spoil(to_bytes(batch())))
