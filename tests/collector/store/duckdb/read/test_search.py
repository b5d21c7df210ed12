"""Searches of traces by what their spans are."""

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.read import search as searching
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import ALL_STARTS, MINUTE
from laban_collector.store.searches import SpanSearch, Tag, TagValue

from ....requests import START, key_values, request, span

ATTRIBUTES = {
    "http.status_code": 404,
    "http.route": "/a",
    "text": "200",
    "number": 200,
    "half": 0.5,
    "flag": True,
    "list": ["a", 1],
    'odd "key"/~': "x\ny",
    "inside": {"hidden": "v"},
    "long": 2001,
    "café": "crème",
}
RESOURCE = {"service.name": "order", "service.namespace": "shop", "host.name": "h1", "replica": 2}


def full_span() -> Span:
    """A span with something in every place where a tag may be."""
    built = span(1, ATTRIBUTES, Span.SPAN_KIND_SERVER)
    built.status.code, built.status.message = 2, "no stock"  # type: ignore[assignment]
    built.trace_state = "vendor=1"
    event = built.events.add(time_unix_nano=START + 5, name="retry")
    event.attributes.extend(key_values({"attempt": 3}))
    return built


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Database.open(tmp_path_factory.mktemp("search") / "spans.duckdb") as database:
        plain = span(2, {"hidden": "w"})
        plain.trace_id = b"\x02" * 16
        for sent in (request(full_span(), resource=RESOURCE), request(plain, scope="other")):
            DuckDBWriter(database).write(decode([sent.SerializeToString()], KeyFinder()).batch)
        yield DuckDBReader(database)


def found(reader: DuckDBReader, *tags: Tag, **conditions: Any) -> int:
    search = SpanSearch(*ALL_STARTS, tags=tags, **conditions)
    return len(reader.search(search, 10).traces)


@pytest.mark.parametrize(
    ("key", "value", "others"),
    [
        ("http.status_code", "404", ["40", "4040", "40x"]),
        ("http.response.status_code", 404, ["true", 405]),
        ("http.route", "/a", ["/", "/a/"]),
        ("text", "200", [200, "20"]),
        ("number", "200", ["2", "2001", "200.5", 2000]),
        ("number", 200, [200.5, True]),
        ("half", "0.5", ["0.50x", "5"]),
        ("flag", "true", ["false", 1, "True"]),
        ("flag", True, [False]),
        ("list", '["a",1]', ['["a"]', "a"]),
        ("list", '["a", 1]', []),
        ('odd "key"/~', "x\ny", ["x", 'x"']),
        ("café", "crème", ["creme"]),
        ("host.name", "h1", ["h", "h11"]),
        ("replica", "2", ["22"]),
        ("attempt", "3", ["4"]),
        ("event", "retry", ["retr"]),
        ("error", "true", ["false"]),
        ("span.kind", "server", ["client", "serve"]),
        ("otel.status_code", "ERROR", ["OK"]),
        ("otel.status_description", "no stock", ["no"]),
        ("w3c.tracestate", "vendor=1", ["vendor"]),
        ("otel.scope.name", "tests", []),
    ],
)
def test_a_tag_is_found_wherever_it_is_and_in_its_forms_only(
    reader: DuckDBReader, key: str, value: TagValue, others: list[TagValue]
) -> None:
    assert found(reader, Tag(key, value)) == 1
    assert [other for other in others if found(reader, Tag(key, other))] == []


def test_an_object_inside_an_attribute_is_no_tag(reader: DuckDBReader) -> None:
    assert (found(reader, Tag("hidden", "v")), found(reader, Tag("hidden", "w"))) == (0, 1)


def test_all_conditions_are_about_one_span(reader: DuckDBReader) -> None:
    tags = (Tag("number", "200"), Tag("host.name", "h1"), Tag("event", "retry"))
    assert found(reader, *tags, service="order", operation="span 1", shortest=5_000_000, longest=5_000_000)
    assert found(reader, *tags, service="shop/order")
    for other in ({"service": "shop"}, {"operation": "span 2"}, {"shortest": 5_000_001}, {"longest": 4}):
        assert not found(reader, *tags, **other)
    assert not found(reader, *tags, Tag("hidden", "w"))


def test_text_that_looks_like_sql_is_only_text(reader: DuckDBReader) -> None:
    for text in ("' OR true --", '"; DROP TABLE spans; --', "%", "_", "\\", "\0"):
        assert not found(reader, Tag(text, text), service=text, operation=text)
    assert found(reader) == 2


def many(database: Database) -> DuckDBReader:
    """Fifty traces, one a minute, in some commits; the later ones come first."""
    writer = DuckDBWriter(database)
    for begin in (40, 30, 20, 10, 0):
        spans = []
        for number in range(begin, begin + 10):
            sent = span(0, {"even": number % 2 == 0, "number": number})
            sent.trace_id = (number + 1).to_bytes(16)
            sent.start_time_unix_nano = START + number * MINUTE
            sent.end_time_unix_nano = sent.start_time_unix_nano + 1
            spans.append(sent)
        writer.write(decode([request(*spans).SerializeToString()], KeyFinder()).batch)
    Digester(database, 12).catch_up()
    return DuckDBReader(database)


def numbers(database: Database, limit: int, *tags: Tag, until: int = START + 60 * MINUTE) -> list[int]:
    result = many(database).search(SpanSearch(START, until, tags=tags), limit)
    return [int(ref.trace_id, 16) - 1 for ref in result.traces]


def test_the_newest_traces_of_the_window_come_first(database: Database) -> None:
    assert numbers(database, 3) == [49, 48, 47]


@pytest.mark.parametrize(
    ("limit", "tags", "until", "expected"),
    [
        (5, [Tag("even", True)], 60, [48, 46, 44, 42, 40]),
        (100, [Tag("even", True)], 10, [8, 6, 4, 2, 0]),
        (2, [Tag("number", "7")], 60, [7]),
        (2, [Tag("number", "70")], 60, []),
    ],
)
def test_a_window_is_searched_backward_until_there_are_enough(
    database: Database, limit: int, tags: list[Tag], until: int, expected: list[int]
) -> None:
    assert numbers(database, limit, *tags, until=START + until * MINUTE) == expected


def test_a_search_says_how_far_it_came(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = many(database)
    monkeypatch.setattr(searching, "MOST_SEARCHED", 20)
    search = SpanSearch(START, START + 50 * MINUTE, tags=(Tag("number", "3"),))
    result = reader.search(search, 2)
    assert result.traces == []
    assert result.searched_since is not None
    searched = (START + 50 * MINUTE - result.searched_since) / MINUTE
    assert 15 <= searched <= 25
    assert reader.search(SpanSearch(START, START + 50 * MINUTE), 2).searched_since is None


def test_only_some_traces_are_searched(database: Database) -> None:
    reader = many(database)
    among = [f"{number + 1:032x}" for number in (3, 4, 5, 6)]
    search = SpanSearch(*ALL_STARTS, tags=(Tag("even", "true"),))
    assert [int(ref.trace_id, 16) - 1 for ref in reader.search(search, 9, among).traces] == [6, 4]
    assert reader.search(search, 9, []).traces == []


def test_operations_and_services_are_listed(reader: DuckDBReader) -> None:
    assert reader.services(10) == ["order"]
    assert [tuple(one) for one in reader.operations_of("order", *ALL_STARTS, 10)] == [
        ("span 1", 2),
        ("span 2", 1),
    ]
    assert reader.operations_of("order", 0, START, 10) == []
    assert reader.operations_of("order", *ALL_STARTS, 1) == [("span 1", 2)]


def test_outlines_have_what_summaries_need(reader: DuckDBReader) -> None:
    [outline] = reader.outlines_of([f"{2:02x}" * 16], 10)
    assert (outline.service, outline.name, outline.parent_id, outline.status) == ("order", "span 2", None, 0)
    assert (outline.start, outline.duration) == (START + 2_000_000, 5_000_000)
