"""The requests of the Jaeger UI, as `api/v3/client.ts` and `api/jaeger.ts` build them, and what it needs.

The UI of versions before 2.19 searches by API v1, with `query-string`; a parameter without a value is only a
name there.
"""

import json
import re
from typing import Any

import pytest

from laban_collector.decode.otlp_json import convert_body
from laban_collector.decode.otlp_protobuf import parse
from laban_collector.decode.results import Problems

from ....mapper.shop_spans import MS, T0, TRACE
from .conftest import FAILED, LINKED, SHORT, SKEWED, WHOLE, Answer, Get

RANGE = "query.startTimeMin=2026-09-21T14%3A13%3A15.000Z&query.startTimeMax=2026-09-21T14%3A13%3A30.000Z"


def test_services_and_span_names(jaeger: Get) -> None:
    status, body = jaeger("/api/v3/services")
    assert (status, list(body)) == (200, ["services"])
    assert {"order", "test/service:1"} <= set(body["services"])
    operations = jaeger("/api/v3/operations?service=test%2Fservice%3A1").body["operations"]
    assert operations == [{"name": "GET /", "spanKind": "server"}]
    assert jaeger("/api/v3/operations?service=nobody").body == {"operations": []}
    servers = jaeger("/api/operations?service=order&spanKind=server").body["data"]
    assert {one["spanKind"] for one in servers} == {"server"}


def summaries(jaeger: Get, query: str) -> list[dict[str, Any]]:
    """The summaries of a search, checked as the UI's schemas do."""
    status, body = jaeger(f"/api/v3/trace-summaries?{query}")
    assert status == 200
    found: list[dict[str, Any]] = body["summaries"]
    for one in found:
        assert re.fullmatch("[0-9a-f]{32}", one["traceId"])
        for name in ("minStartTimeUnixNano", "maxEndTimeUnixNano"):
            assert re.fullmatch("[0-9]+", one[name])
        for name in ("spanCount", "errorSpanCount", "orphanSpanCount"):
            assert isinstance(one[name], int)
        for service in one["services"]:
            assert isinstance(service.pop("name"), str)
            assert all(isinstance(number, int) and number >= 0 for number in service.values())
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"query.serviceName=order&{RANGE}&query.searchDepth=20", [SHORT, SKEWED, FAILED, TRACE]),
        (f"{RANGE}&query.searchDepth=2", [WHOLE, "f" * 32]),
        (f"query.serviceName=order&query.operationName=POST+%2Forders&{RANGE}", [FAILED, TRACE]),
        (f"{RANGE}&query.durationMin=100ms&query.durationMax=120ms", [SKEWED, TRACE]),
        (f"{RANGE}&query.attributes=%7B%22order.id%22%3A%221003%22%7D", [TRACE]),
        (f"{RANGE}&query.attributes=%7B%22error%22%3A%22true%22%7D", [FAILED]),
        (f"query.service_name=order&query.num_traces=1&{RANGE}", [SHORT]),
        ("query.serviceName=order&query.search_depth=1", [SHORT]),
        (f"query.serviceName=nobody&{RANGE}", []),
    ],
)
def test_a_search_returns_summaries_newest_first(jaeger: Get, query: str, expected: list[str]) -> None:
    assert [one["traceId"] for one in summaries(jaeger, query)] == expected


def test_a_summary_counts_spans_errors_and_orphans(jaeger: Get) -> None:
    status, body = jaeger(f"/api/v3/trace-summaries?query.serviceName=order&{RANGE}&query.searchDepth=20")
    by_id = {one["traceId"]: one for one in body["summaries"]}
    assert status == 200
    assert by_id[TRACE] == {
        "traceId": TRACE,
        "rootServiceName": "order",
        "rootOperationName": "POST /orders",
        "minStartTimeUnixNano": str(T0),
        "maxEndTimeUnixNano": str(T0 + 225 * MS),
        "spanCount": 8,
        "errorSpanCount": 0,
        "orphanSpanCount": 0,
        "services": [
            {"name": "email", "spanCount": 1, "errorSpanCount": 0},
            {"name": "order", "spanCount": 4, "errorSpanCount": 0},
            {"name": "payment", "spanCount": 2, "errorSpanCount": 0},
            {"name": "pricing", "spanCount": 1, "errorSpanCount": 0},
        ],
    }
    assert (by_id[FAILED]["errorSpanCount"], by_id[FAILED]["services"][0]["errorSpanCount"]) == (1, 1)


@pytest.mark.parametrize(
    "query",
    [
        f"{RANGE}&query.attributes=order.id%3D1003",
        "query.startTimeMin=1790000000",
        f"{RANGE}&query.durationMin=5",
        f"{RANGE}&query.searchDepth=many",
        f"{RANGE}&query.filter=%7B%7D",
    ],
)
def test_a_search_that_makes_no_sense_is_400_in_the_gateways_form(jaeger: Get, query: str) -> None:
    for path in ("trace-summaries", "traces"):
        status, body = jaeger(f"/api/v3/{path}?{query}")
        assert (status, body["error"]["httpCode"]) == (400, 400)


def is_drawn(trace: dict[str, Any]) -> None:
    """Check what `transformTraceData` and the views need of a trace."""
    ids = [span["spanID"] for span in trace["spans"]]
    assert trace["traceID"]
    assert len(ids) == len(set(ids))
    for span in trace["spans"]:
        assert span["traceID"] == trace["traceID"]
        assert trace["processes"][span["processID"]]["serviceName"]
        assert span["startTime"] > 0
        assert span["duration"] >= 0
        assert all(isinstance(tag["value"], str | int | float | bool) for tag in span["tags"])
        pairs = [(tag["key"], json.dumps(tag["value"])) for tag in span["tags"]]
        assert len(pairs) == len(set(pairs))  # the UI warns of a repeated tag
        assert all(field["key"] for log in span["logs"] for field in log["fields"])
        assert span["warnings"] is None or all(isinstance(text, str) for text in span["warnings"])


@pytest.mark.parametrize("trace_id", [TRACE, FAILED, LINKED, SKEWED, SHORT[16:], WHOLE])
def test_a_trace_can_be_drawn(jaeger: Get, trace_id: str) -> None:
    status, body = jaeger(f"/api/traces/{trace_id}")
    assert status == 200
    [trace] = body["data"]
    is_drawn(trace)


def test_an_error_is_told_as_the_ui_shows_it(jaeger: Get) -> None:
    status, body = jaeger(f"/api/traces/{'9' * 32}")
    [error] = body["errors"]
    assert (status, error["code"], error["msg"]) == (404, 404, "trace not found")


def test_dependencies_of_a_week(jaeger: Get) -> None:
    status, body = jaeger(f"/api/dependencies?endTs={T0 // MS + 10_000}&lookback=604800000")
    assert status == 200
    assert {"parent": "order", "child": "pricing", "callCount": 1} in body["data"]


def test_an_older_ui_searches_by_api_v1(jaeger: Get) -> None:
    start, end = T0 // 1000 - 5_000_000, T0 // 1000 + 10_000_000
    limits = f"end={end}&limit=20&lookback=custom&maxDuration&minDuration"
    found = jaeger(f"/api/traces?{limits}&service=order&start={start}&tags=%7B%22order.id%22%3A%221003%22%7D")
    assert [trace["traceID"] for trace in found.body["data"]] == [TRACE]
    assert jaeger(f"/api/traces?{limits}&service=order&start={start}&tag=order.id%3A1003") == found


def test_the_otlp_of_api_v3_is_what_was_sent(jaeger: Get) -> None:
    status, body = jaeger(f"/api/v3/traces/{WHOLE}")
    assert (status, list(body)) == (200, ["result"])
    read = parse(convert_body(json.dumps(body["result"]).encode(), Problems()))
    [resource] = read.resource_spans
    [span] = resource.scope_spans[0].spans
    assert {one.key for one in resource.resource.attributes} == {"service.name", "host.name", "process.pid"}
    assert (span.trace_id.hex(), span.trace_state, span.flags, span.kind) == (WHOLE, "vendor=1", 0x101, 1)
    assert span.end_time_unix_nano - span.start_time_unix_nano == 2 * MS
    values = {one.key: one.value for one in span.attributes}
    assert [one.WhichOneof("value") for _, one in sorted(values.items())] == [
        *("bool_value", "double_value", "array_value", "kvlist_value"),
        None,
    ]
    assert values["list"].array_value.values[1].int_value == 1
    assert (span.events[0].name, span.events[0].attributes[0].value.int_value) == ("e", 1)
    assert (span.links[0].trace_id, span.links[0].span_id) == (b"\x01" * 16, b"\x02" * 8)


def test_api_v3_has_warnings_and_statuses(jaeger: Get) -> None:
    def spans(answer: Answer) -> list[dict[str, Any]]:
        found = answer.body["result"]["resourceSpans"]
        return [span for one in found for scope in one["scopeSpans"] for span in scope["spans"]]

    [failed] = spans(jaeger(f"/api/v3/traces/{FAILED}"))
    assert failed["status"] == {"code": 2, "message": "KeyError"}
    skewed = [json.dumps(span) for span in spans(jaeger(f"/api/v3/traces/{SKEWED}"))]
    assert ["@jaeger@warnings" in text for text in skewed] == [True, False]
    assert "@jaeger@" not in json.dumps(jaeger(f"/api/v3/traces/{SKEWED}?rawTraces=true").body)


def test_api_v3_takes_an_id_in_base64_and_lists_dependencies(jaeger: Get) -> None:
    whole = jaeger(f"/api/v3/traces/{TRACE}").body
    assert jaeger("/api/v3/traces/CvdlGRbNQ92ESOshHIAxnA==").body == whole
    times = "startTime=2026-09-21T14:00:00Z&endTime=2026-09-21T15:00:00Z"
    found = jaeger(f"/api/v3/dependencies?{times}").body["dependencies"]
    assert {"parent": "order", "child": "pricing", "callCount": "1"} in found
    assert jaeger("/api/v3/dependencies").status == 400


def test_an_answer_can_be_indented(jaeger: Get) -> None:
    assert jaeger("/api/services?prettyPrint=true").body == jaeger("/api/services").body
