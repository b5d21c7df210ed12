"""The questions of Jaeger's clients to a storage in this process: what is read, what is left out."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import NoReturn

import pytest

from laban_app.answers.arriving import ArrivingAnswers
from laban_app.errors import UnknownTrace
from laban_app.server.jaeger import queries as asking
from laban_app.server.jaeger import whole_traces
from laban_app.server.jaeger.parameters import Question
from laban_app.server.jaeger.queries import JaegerQueries
from laban_app.server.jaeger.routes import as_json
from laban_app.server.jaeger.v1_shapes import envelope, trace_json
from laban_app.server.jaeger.v3_shapes import traces_json
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.ingest import loader
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read import search as searching
from laban_collector.store.duckdb.read.search import TraceSearch
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.rows import Span
from laban_collector.store.searches import Tag
from laban_mapper.spans import NS_PER_S

from ....hostile import HOSTILE
from ....mapper.shop_spans import T0, http_client, http_server, hybrid_order
from ....otlp import to_otlp

ASKED = Question(None, None, (), 0, None, None, None, 10)


@pytest.fixture
def storage(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageService]:
    """A storage that loads spans only when an answer needs them."""
    monkeypatch.setattr(loader, "LONGEST_WAIT", 1000.0)
    service = StorageService(DuckDBStore(database), RetentionLimits())
    service.start()
    for number in range(3):
        # the third is four days older
        shift = number * NS_PER_S if number < 2 else -4 * 24 * 3600 * NS_PER_S
        service.take(decode([to_otlp(order(number, shift))], KeyFinder()).batch)
    yield service
    service.stop()


@pytest.fixture
def queries(storage: StorageService) -> JaegerQueries:
    answers, reader = ArrivingAnswers(storage, 20.0), storage.store.reader()
    return JaegerQueries(answers, reader, storage.settle, KeyFinder(), lambda: T0 + 3600 * NS_PER_S)


def order(number: int, shift: int) -> list[Span]:
    """A trace of 8 spans with the order 1000 + number of customer 7."""
    keys: dict[str, object] = {"order.id": str(1000 + number), "customer.id": "7"}
    moved = [
        replace(span, trace_id=trace(number), start=span.start + shift, message_key=None)
        for span in hybrid_order()
    ]
    return [replace(moved[0], attributes=keys), *moved[1:]]


def trace(number: int) -> str:
    return f"{number + 1:x}" * 32


def found(queries: JaegerQueries, question: Question) -> list[str]:
    return [one.trace_id for one in queries.traces(question).traces]


def refuse(*_: object) -> NoReturn:
    raise AssertionError("the spans were searched")


def test_a_business_key_is_found_without_searching_spans(
    queries: JaegerQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TraceSearch, "newest", refuse)
    for key in ("order.id", "order_id", "orderId", "app.order.id"):
        for value in ("1001", 1001):
            assert found(queries, replace(ASKED, tags=(Tag(key, value),))) == [trace(1)]
    both = (Tag("order.id", "1001"), Tag("customer.id", "7"))
    assert found(queries, replace(ASKED, tags=both)) == [trace(1)]
    assert found(queries, replace(ASKED, tags=(*both, Tag("order.id", "1000")))) == []
    assert found(queries, replace(ASKED, tags=both, service="pricing")) == [trace(1)]
    assert found(queries, replace(ASKED, tags=both, service="audit")) == []
    assert found(queries, replace(ASKED, tags=(*both, Tag("span.kind", "producer")))) == [trace(1)]
    with pytest.raises(AssertionError, match="searched"):
        found(queries, replace(ASKED, tags=(Tag("color", "1001"),)))


def test_without_a_time_range_the_newest_days_are_searched_and_all_time_for_a_business_key(
    queries: JaegerQueries,
) -> None:
    assert found(queries, ASKED) == [trace(1), trace(0)]
    assert found(queries, replace(ASKED, tags=(Tag("customer.id", "7"),))) == [trace(1), trace(0), trace(2)]
    assert found(queries, replace(ASKED, since=0)) == [trace(1), trace(0), trace(2)]
    assert found(queries, replace(ASKED, until=T0)) == []
    assert found(queries, replace(ASKED, until=T0 - 3 * 24 * 3600 * NS_PER_S)) == [trace(2)]
    narrow = replace(ASKED, since=T0, until=T0 + 1, tags=(Tag("customer.id", "7"),))
    assert found(queries, narrow) == [trace(0)]
    assert found(queries, replace(narrow, until=None)) == [trace(1), trace(0)]
    assert found(queries, replace(narrow, since=None)) == [trace(0), trace(2)]


def test_an_answer_says_what_it_left_out(queries: JaegerQueries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_traces, "MOST_SPANS", 10)
    answer = queries.traces(replace(ASKED, since=0))
    assert [len(one.spans) for one in answer.traces] == [8, 2]
    assert answer.notes == [
        f"trace {trace(0)} has more spans than these 2: the first by start",
        "1 further trace left out: an answer has at most 10 spans",
    ]
    some, _ = queries.whole.some([trace(0), trace(1), trace(2)])
    assert ([len(one.spans) for one in some.traces], len(some.notes)) == ([8, 2], 2)
    monkeypatch.setattr(whole_traces, "MOST_SPANS", 3)
    alone = queries.whole.one(trace(1))
    assert (len(alone.traces[0].spans), len(alone.notes)) == (3, 1)
    monkeypatch.setattr(asking, "MOST_OUTLINES", 5)
    summaries, [note] = queries.summaries(ASKED)
    assert (sum(one.spans for one in summaries), note) == (
        5,
        "the summaries rest on 5 spans: the traces have more",
    )
    monkeypatch.setattr(searching, "MOST_SEARCHED", 4)
    _, [note] = queries.summaries(replace(ASKED, tags=(Tag("nothing", "x"),)))
    assert note.startswith("only spans since 2026-09-21 ")


def test_the_limit_is_the_number_of_traces(queries: JaegerQueries) -> None:
    for question in (ASKED, replace(ASKED, tags=(Tag("customer.id", "7"),))):
        assert found(queries, replace(question, limit=1)) == [trace(1)]


def test_an_unknown_trace_is_no_empty_answer(queries: JaegerQueries) -> None:
    with pytest.raises(UnknownTrace) as error:
        queries.whole.one("9" * 32)
    assert error.value.trace_id == "9" * 32
    answer, unknown = queries.whole.some([trace(0), "9" * 32, trace(0)])
    assert ([one.trace_id for one in answer.traces], unknown) == ([trace(0)], ["9" * 32])


def test_both_forms_of_an_id_are_one_trace_in_the_answer(
    queries: JaegerQueries, storage: StorageService
) -> None:
    def cut(spans: Sequence[Span]) -> list[Span]:
        return [replace(span, trace_id="0" * 16 + trace(8)[16:]) for span in spans]

    first, *others = [replace(span, trace_id=trace(8)) for span in hybrid_order()]
    storage.take(decode([to_otlp([first, *cut(others)])], KeyFinder()).batch)
    for asked in (trace(8), "0" * 16 + trace(8)[16:]):
        [one] = queries.whole.one(asked).traces
        drawn = trace_json(one, {})
        assert {drawn["traceID"], *(span["traceID"] for span in drawn["spans"])} == {trace(8)}
        assert len(drawn["spans"]) == 8


def test_the_servers_half_of_a_shared_span_has_an_id_of_its_own(
    queries: JaegerQueries, storage: StorageService
) -> None:
    client = http_client("web", "GET", 0, 20, http_server("web", "GET /", 0, 30, trace_id=trace(9)))
    server = replace(client, service="order", kind=2, parent_id=client.parent_id)
    below = http_client("order", "GET", 5, 5, server)
    storage.take(decode([to_otlp([client, server, below])], KeyFinder()).batch)
    found = queries.whole.one(trace(9))
    drawn = trace_json(found.traces[0], {})
    spans = {
        (drawn["processes"][span["processID"]]["serviceName"], span["tags"][-1]["value"]): span
        for span in drawn["spans"]
    }
    asked, served, asked_below = spans["web", "client"], spans["order", "server"], spans["order", "client"]
    assert served["spanID"] != asked["spanID"] == client.span_id
    assert served["references"][0]["spanID"] == client.span_id
    assert asked_below["references"][0]["spanID"] == served["spanID"]
    otlp = json.dumps(traces_json(found.traces, {}))
    assert otlp.count(f'"spanId": "{served["spanID"]}"') == otlp.count(f'"spanId": "{client.span_id}"') == 1


def test_text_of_spans_is_only_text(queries: JaegerQueries, storage: StorageService) -> None:
    spans = [
        replace(
            http_server("web", text or "x", 0, 1, trace_id=trace(10)),
            attributes={"text": text},
            status_message=text,
        )
        for text in HOSTILE
    ]
    storage.take(decode([to_otlp(spans)], KeyFinder()).batch)
    answered = queries.whole.one(trace(10)).traces
    for answer in (envelope([trace_json(answered[0], {})]), traces_json(answered, {})):
        body = bytes(as_json(answer, HTTPStatus.OK).body)
        assert all(0x20 <= byte < 0x7F for byte in body)
        assert json.loads(body) == answer
    drawn = trace_json(answered[0], {})["spans"]
    sent = [[tag["value"] for tag in span["tags"] if tag["key"] == "text"] for span in drawn]
    assert sorted(sent) == sorted([text] for text in HOSTILE)
    for text in HOSTILE[::8]:
        nothing = replace(ASKED, service=text, operation=text, tags=(Tag(text, text),))
        assert queries.summaries(nothing)[0] == []
        assert trace(10) in found(queries, replace(ASKED, tags=(Tag("text", text),)))
