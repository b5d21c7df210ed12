import json
import random

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.read import trace
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Attributes, WholeEvent, WholeLink, WholeSpan

from ....requests import START, TRACE_ID, request, span
from ..write.test_writer import batch

ID = TRACE_ID.hex()


def read(database: Database, trace_id: str = ID, limit: int | None = None) -> list[WholeSpan]:
    return [one for page in DuckDBReader(database).trace(trace_id, limit) for one in page]


def test_every_field_of_a_span_is_read_back(database: Database) -> None:
    sent = span(
        1, {"http.request.method": "GET", "http.route": "/a", "items": [1, "x"]}, Span.SPAN_KIND_SERVER
    )
    sent.parent_span_id = (7).to_bytes(8)
    sent.trace_state, sent.flags = "vendor=1", 0x101
    sent.status.code, sent.status.message = Status.STATUS_CODE_ERROR, "no stock"
    sent.dropped_attributes_count, sent.dropped_events_count, sent.dropped_links_count = 1, 2, 3
    event = sent.events.add(time_unix_nano=START + 5, name="exception", dropped_attributes_count=4)
    event.attributes.add(key="exception.type").value.string_value = "KeyError"
    link = sent.links.add(
        trace_id=b"\xff" * 16, span_id=b"\xfe" * 8, trace_state="b=2", flags=0x100, dropped_attributes_count=5
    )
    link.attributes.add(key="of").value.string_value = "batch"
    built = request(sent, resource={"service.name": "order", "service.namespace": "shop", "host.name": "h"})
    built.resource_spans[0].scope_spans[0].scope.version = "1.2"
    DuckDBWriter(database).write(decode([built.SerializeToString()], KeyFinder()).batch)
    [found] = read(database)
    resource = json.loads(found.resource.attributes)
    assert (found.trace_id, found.span_id, found.parent_id) == (ID, sent.span_id.hex(), f"{7:016x}")
    assert (found.trace_state, found.flags, found.name, found.kind) == ("vendor=1", 0x101, "span 1", 2)
    assert (found.start, found.duration) == (sent.start_time_unix_nano, 5_000_000)
    assert (found.status, found.status_message) == (2, "no stock")
    assert found.promoted == {"http_method": "GET", "http_route": "/a"}
    assert (json.loads(found.attributes.json), found.attributes.dropped) == ({"items": [1, "x"]}, 1)
    assert found.events == (
        WholeEvent(START + 5, "exception", Attributes('{"exception.type":"KeyError"}', 4)),
    )
    assert found.links == (WholeLink("f" * 32, "fe" * 8, "b=2", 0x100, Attributes('{"of":"batch"}', 5)),)
    assert (found.dropped_events, found.dropped_links) == (2, 3)
    assert resource == {"service.name": "order", "service.namespace": "shop", "host.name": "h"}
    assert (found.resource.service, found.resource.namespace) == ("order", "shop")
    assert (found.scope.name, found.scope.version, found.scope.attributes) == ("tests", "1.2", "{}")


def eventful(number: int) -> Span:
    """A span of the trace; some begin at the same time, and arrive in any order."""
    built = span(number // 3)
    built.span_id = (number + 1).to_bytes(8)
    built.events.add(time_unix_nano=START, name=f"event {number}")
    built.links.add(trace_id=b"\xff" * 16, span_id=(number + 1).to_bytes(8))
    return built


@pytest.mark.parametrize("page", [1, 4, 100])
def test_a_trace_of_many_pages_is_whole_and_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(trace, "PAGE", page)
    writer, numbers = DuckDBWriter(database), list(range(30))
    random.Random(1).shuffle(numbers)  # noqa: S311 - nothing secret
    for begin in range(0, 30, 6):
        other = span(begin)
        other.trace_id = (begin + 1).to_bytes(16)
        writer.write(batch(other, *(eventful(number) for number in numbers[begin : begin + 6])))
    Digester(database, 12).catch_up()
    found = read(database)
    assert [one.span_id for one in found] == [f"{number + 1:016x}" for number in range(30)]
    assert [one.events[0].name for one in found] == [f"event {number}" for number in range(30)]
    assert [one.links[0].span_id for one in found] == [one.span_id for one in found]
    for limit in (1, 4, 29, 30, 99):
        assert read(database, limit=limit) == found[:limit]


@pytest.mark.parametrize("page", [1, 100])
def test_the_forms_of_an_id_are_one_trace_if_there_is_no_doubt(
    database: Database, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(trace, "PAGE", page)
    writer, short = DuckDBWriter(database), "0" * 16 + ID[16:]
    cut = span(1)
    cut.trace_id = bytes.fromhex(short)
    writer.write(batch(span(0), cut))
    for asked in (ID, short):
        assert [one.trace_id for one in read(database, asked)] == [ID, short]
    third = span(2)
    third.trace_id = b"\x01" * 8 + TRACE_ID[8:]
    writer.write(batch(third))
    for one in (ID, short, third.trace_id.hex()):
        assert [found.trace_id for found in read(database, one)] == [one]


def test_an_unknown_trace_has_no_pages(database: Database) -> None:
    DuckDBWriter(database).write(batch(span(0)))
    assert list(DuckDBReader(database).trace("f" * 32)) == []


def test_both_halves_of_a_shared_span_are_read(database: Database) -> None:
    halves = [span(1, kind=kind) for kind in (Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_SERVER)]
    DuckDBWriter(database).write(batch(*halves))
    assert [one.kind for one in read(database)] == [2, 3]


def test_resources_of_later_traces_are_read_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_MANY_ORIGINS", 1)
    writer, reader = DuckDBWriter(database), DuckDBReader(database)
    for number in (1, 2, 3):
        one = span(number)
        one.trace_id = number.to_bytes(16)
        body = request(one, resource={"service.name": f"service-{number}"}).SerializeToString()
        writer.write(decode([body], KeyFinder()).batch)
    for number in (1, 2, 3, 1):
        [[found]] = reader.trace(f"{number:032x}")
        assert found.resource.service == f"service-{number}"
