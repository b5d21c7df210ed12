import json
from collections.abc import Iterator

from laban_collector.store.rows import Attributes, ResourceRow, ScopeRow, WholeEvent, WholeLink, WholeSpan
from laban_mapper.trace import Trace, json_of, trace_of

TRACE = "a" * 32


def row(number: int, parent: int | None = None, *, at: int | None = None, **changes: object) -> WholeSpan:
    given: dict[str, object] = {
        "trace_id": TRACE,
        "span_id": f"{number:016x}",
        "parent_id": None if parent is None else f"{parent:016x}",
        "trace_state": None,
        "flags": 1,
        "name": f"span {number}",
        "kind": 2,
        "start": 1_000 + (number if at is None else at),
        "duration": 50,
        "status": 0,
        "status_message": None,
        "promoted": {},
        "attributes": Attributes("{}"),
        "events": (),
        "dropped_events": 0,
        "links": (),
        "dropped_links": 0,
        "resource": ResourceRow("order", None, '{"service.name":"order"}'),
        "scope": ScopeRow("tests", None, "{}"),
    }
    return WholeSpan(**(given | changes))  # type: ignore[arg-type]


def pages(*rows: WholeSpan, size: int = 2) -> Iterator[list[WholeSpan]]:
    return (list(rows[begin : begin + size]) for begin in range(0, len(rows), size))


def test_a_span_has_everything_that_was_sent() -> None:
    whole = row(
        1,
        trace_state="vendor=1",
        status=2,
        status_message="no stock",
        promoted={"http_method": "GET", "messaging_partition": 3, "peer_address": "client.example"},
        attributes=Attributes('{"http.method":"GET","items":[1,2.5,null],"nested":{"a":true}}', 4),
        events=(WholeEvent(1_010, "exception", Attributes('{"exception.type":"KeyError"}', 1)),),
        dropped_events=2,
        links=(WholeLink("b" * 32, "c" * 16, None, 256, Attributes('{"of":"batch"}')),),
        dropped_links=3,
    )
    [span] = trace_of(TRACE, pages(whole)).spans
    assert span.model_dump() == {
        "trace_id": TRACE,
        "span_id": "0000000000000001",
        "parent_id": None,
        "trace_state": "vendor=1",
        "flags": 1,
        "name": "span 1",
        "kind": "server",
        "start_ns": 1_001,
        "duration_ns": 50,
        "status": "error",
        "status_message": "no stock",
        "attributes": {
            "client.address": "client.example",
            "http.method": "GET",
            "http.request.method": "GET",
            "items": [1, 2.5, None],
            "messaging.destination.partition.id": "3",
            "nested": {"a": True},
        },
        "dropped_attributes": 4,
        "events": [
            {
                "time_ns": 1_010,
                "name": "exception",
                "attributes": {"exception.type": "KeyError"},
                "dropped_attributes": 1,
            }
        ],
        "dropped_events": 2,
        "links": [
            {
                "trace_id": "b" * 32,
                "span_id": "c" * 16,
                "trace_state": None,
                "flags": 256,
                "attributes": {"of": "batch"},
                "dropped_attributes": 0,
            }
        ],
        "dropped_links": 3,
        "resource": {"service": "order", "namespace": None, "attributes": {"service.name": "order"}},
        "scope": {"name": "tests", "version": None, "attributes": {}},
    }


def test_the_summary_is_about_the_spans_in_the_answer() -> None:
    email = ResourceRow("email", None, "{}")
    trace = trace_of(TRACE, pages(row(1), row(2, duration=500), row(3, status=2, resource=email)))
    assert trace.model_dump(exclude={"spans"}) == {
        "trace_id": TRACE,
        "span_count": 3,
        "truncated": False,
        "start_ns": 1_001,
        "duration_ns": 501,
        "error_count": 1,
        "services": ["email", "order"],
    }


def test_the_pieces_of_the_json_are_the_answer() -> None:
    rows = [row(number, attributes=Attributes('{"text":"ä\\u2028\\u001b"}')) for number in range(5)]
    pieces = list(json_of(TRACE, pages(*rows)))
    assert len(pieces) == 4
    assert Trace.model_validate(json.loads(b"".join(pieces))) == trace_of(TRACE, pages(*rows))


def test_an_answer_that_was_cut_off_is_no_json() -> None:
    whole = b"".join(json_of(TRACE, pages(row(1), row(2), row(3))))
    for length in range(len(whole)):
        try:
            json.loads(whole[:length])
        except ValueError:
            continue
        raise AssertionError(whole[:length])


def test_a_limit_keeps_the_first_spans_and_says_so() -> None:
    rows = [row(number) for number in range(4)]
    for limit, count in ((1, 1), (2, 2), (3, 3), (4, 4), (9, 4)):
        answer = json.loads(b"".join(json_of(TRACE, pages(*rows), limit)))
        assert (len(answer["spans"]), answer["span_count"]) == (count, count)
        assert answer["truncated"] == (limit < 4)
