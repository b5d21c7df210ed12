"""The requests of Grafana's Jaeger data source, as `pkg/tsdb/jaeger` builds them.

Go sorts the parameters by name, and writes a space as `+`. Grafana decodes the answers into Go structures: a
field of another type is an error, and the first element of a trace's answer is taken unchecked.
"""

from typing import Any

import pytest

from ....mapper.shop_spans import MS, T0, TRACE
from .conftest import FAILED, LINKED, SHORT, SKEWED, SPANS_LINKED_TO, WHOLE, Get

START = T0 // 1000
"""µs."""
END = START + 10_000_000
WINDOW = f"end={END}&limit=20"
SINCE = f"start={START - 5_000_000}"

TAG = {"key": str, "type": str, "value": object}
LOG = {"timestamp": int, "fields": [TAG]}
SPAN = {
    "traceID": str,
    "spanID": str,
    "processID": str,
    "operationName": str,
    "startTime": int,
    "duration": int,
    "logs": [LOG],
    "references": [{"refType": str, "spanID": str, "traceID": str}],
    "tags": [TAG],
    "warnings": [str],
    "flags": int,
}
TRACE_RESPONSE = {"processes": {"serviceName": str, "tags": [TAG]}, "traceID": str, "spans": [SPAN]}


def decode(value: Any, form: Any) -> None:
    """Check a value as Go's decoder does: null fits everything, unknown fields are ignored."""
    if isinstance(form, list):
        assert value is None or isinstance(value, list)
        for one in value or ():
            decode(one, form[0])
    elif isinstance(form, dict):
        assert isinstance(value, dict)
        for name, inner in form.items():
            if name == "processes":
                assert isinstance(value[name], dict)
                for process in value[name].values():
                    decode(process, inner)
            elif name in value:
                decode(value[name], inner)
    else:
        assert value is None or (isinstance(value, form) and not (form is int and isinstance(value, bool)))


def search(jaeger: Get, query: str) -> list[str]:
    """The IDs of the traces in the answer to a search."""
    status, body = jaeger(f"/api/traces?{query}")
    assert status == 200
    decode(body["data"], [TRACE_RESPONSE])
    assert isinstance(body["data"], list)  # not null
    return [trace["traceID"] for trace in body["data"]]


def test_services_and_operations(jaeger: Get) -> None:
    status, body = jaeger("/api/services")
    assert (status, body["data"]) == (
        200,
        ["audit", "email", "order", "payment", "pricing", "test/service:1", "web", "whole"],
    )
    assert jaeger("/api/services/order/operations").body["data"] == [
        *("GET /old", "GET /orders/{id}", "POST /orders", "process payments", "send orders"),
        "shop.Pricing/Quote",
    ]
    assert jaeger("/api/services/test/service:1/operations").body["data"] == ["GET /"]
    assert jaeger("/api/services/nobody/operations").body["data"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{WINDOW}&service=order&{SINCE}", [SHORT[16:], SKEWED, FAILED, TRACE]),
        (f"{WINDOW}&operation=POST+%2Forders&service=order&{SINCE}", [FAILED, TRACE]),
        (f"end={END}&limit=1&service=order&{SINCE}", [SHORT[16:]]),
        (f"{WINDOW}&minDuration=100ms&service=payment&{SINCE}", [TRACE]),
        (f"{WINDOW}&maxDuration=50us&minDuration=1us&service=order&{SINCE}", []),
        (f"{WINDOW}&service=order&{SINCE}&tags=%7B%22order.id%22%3A%221003%22%7D", [TRACE]),
        (f"{WINDOW}&service=audit&{SINCE}&tags=%7B%22order.id%22%3A%221003%22%7D", []),
        (f"{WINDOW}&service=order&{SINCE}&tags=%7B%22error%22%3A%22true%22%7D", [FAILED]),
        (
            f"{WINDOW}&service=order&{SINCE}&tags=%7B%22customer.tier%22%3A%22gold%22%2C%22error%22%3A%22true%22%7D",
            [FAILED],
        ),
        (f"{WINDOW}&service=order&{SINCE}&tags=%7B%22exception.type%22%3A%22KeyError%22%7D", [FAILED]),
        (f"{WINDOW}&service=order&{SINCE}&tags=%7B%22http.status_code%22%3A%22500%22%7D", [FAILED]),
        (f"{WINDOW}&service=whole&{SINCE}&tags=%7B%22host.name%22%3A%22h1%22%7D", [WHOLE]),
        (f"end={START + 500_000}&limit=20&service=order&{SINCE}", [TRACE]),
        # older versions send no time range
        ("limit=20&service=order&tags=%7B%22order.id%22%3A%221003%22%7D", [TRACE]),
        ("limit=20&service=audit", [LINKED]),
        ("service=nobody", []),
    ],
)
def test_a_search_finds_traces_newest_first(jaeger: Get, query: str, expected: list[str]) -> None:
    assert search(jaeger, query) == expected


@pytest.mark.parametrize(
    "trace_id",
    [TRACE, TRACE.upper(), TRACE.removeprefix("0"), f"{TRACE}?end={END // 1000}&start={START // 1000}"],
)
def test_a_trace_is_found_by_its_id(jaeger: Get, trace_id: str) -> None:
    status, body = jaeger(f"/api/traces/{trace_id}")
    assert (status, body["errors"]) == (200, None)
    decode(body["data"], [TRACE_RESPONSE])
    [trace] = body["data"]
    assert (trace["traceID"], len(trace["spans"])) == (TRACE, 8)
    first = trace["spans"][0]
    assert (first["startTime"], first["duration"]) == (START, 84_000)
    assert trace["processes"][first["processID"]] == {"serviceName": "order", "tags": []}


@pytest.mark.parametrize("trace_id", [SHORT, SHORT[16:], SHORT.lstrip("0"), SHORT.lstrip("0").upper()])
def test_an_id_of_64_bits_is_one_however_it_is_given(jaeger: Get, trace_id: str) -> None:
    [trace] = jaeger(f"/api/traces/{trace_id}").body["data"]
    assert trace["traceID"] == trace["spans"][0]["traceID"] == SHORT[16:]


def test_an_unknown_trace_is_404_and_never_an_empty_list(jaeger: Get) -> None:
    assert jaeger(f"/api/traces/{'9' * 32}") == (
        404,
        {
            "data": None,
            "total": 0,
            "limit": 0,
            "offset": 0,
            "errors": [{"code": 404, "msg": "trace not found", "traceID": "9" * 32}],
        },
    )
    assert jaeger("/api/traces/abc").body["errors"][0]["traceID"] == "0000000000000abc"
    for wrong in ("xyz", "0", "f" * 33, "%00"):
        status, body = jaeger(f"/api/traces/{wrong}")
        assert (status, body["data"], body["errors"][0]["code"]) == (400, None, 400)


def test_several_traces_are_found_by_their_ids(jaeger: Get) -> None:
    status, body = jaeger(f"/api/traces?traceID={TRACE}&traceID={'9' * 32}&traceID={SHORT[16:]}")
    assert (status, [trace["traceID"] for trace in body["data"]]) == (200, [TRACE, SHORT[16:]])
    assert body["errors"] == [{"msg": "trace not found", "traceID": "9" * 32}]


def tags(of: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """The tags or fields by key, as (type, value)."""
    found = of.get("tags", of.get("fields"))
    assert found is not None
    assert len({tag["key"] for tag in found}) == len(found)
    return {tag["key"]: (tag["type"], tag["value"]) for tag in found}


def test_an_error_has_jaegers_tags_and_logs(jaeger: Get) -> None:
    [trace] = jaeger(f"/api/traces/{FAILED}").body["data"]
    [span] = trace["spans"]
    assert (
        tags(span).items()
        >= {
            "error": ("bool", True),
            "span.kind": ("string", "server"),
            "otel.status_code": ("string", "ERROR"),
            "otel.status_description": ("string", "KeyError"),
            "otel.scope.name": ("string", "tests"),
            "http.response.status_code": ("int64", 500),
            "big": ("int64", str(2**60)),
        }.items()
    )
    raised, retried = span["logs"]
    assert raised["timestamp"] == (T0 + 1_010 * MS) // 1000
    assert tags(raised) == {
        "event": ("string", "exception"),
        "exception.type": ("string", "KeyError"),
        "exception.message": ("string", "no stock"),
    }
    assert tags(retried) == {"event": ("string", "retry"), "attempt": ("int64", 2)}


def test_everything_that_was_sent_is_in_the_answer(jaeger: Get) -> None:
    [trace] = jaeger(f"/api/traces/{WHOLE}").body["data"]
    [span] = trace["spans"]
    assert span["flags"] == 1
    assert tags(trace["processes"]["p1"]) == {"host.name": ("string", "h1"), "process.pid": ("int64", 7)}
    assert (
        tags(span).items()
        >= {
            "list": ("string", '["a",1]'),
            "half": ("float64", 0.5),
            "flag": ("bool", False),
            "none": ("string", ""),
            "map": ("string", '{"a":1}'),
            "w3c.tracestate": ("string", "vendor=1"),
            "span.kind": ("string", "internal"),
        }.items()
    )
    assert span["references"] == [{"refType": "FOLLOWS_FROM", "traceID": "01" * 16, "spanID": "02" * 8}]


def test_a_link_to_another_trace_is_what_a_span_follows_from(jaeger: Get) -> None:
    [trace] = jaeger(f"/api/traces/{LINKED}").body["data"]
    trace_id, span_id = SPANS_LINKED_TO
    expected = {"refType": "FOLLOWS_FROM", "traceID": trace_id, "spanID": span_id}
    assert trace["spans"][0]["references"] == [expected]
    [whole] = jaeger(f"/api/traces/{TRACE}").body["data"]
    parents = [span["references"] for span in whole["spans"]]
    assert [len(references) for references in parents] == [0, 1, 1, 1, 1, 1, 1, 1]
    assert {reference["refType"] for references in parents for reference in references} == {"CHILD_OF"}


def test_a_clock_that_differs_is_a_warning(jaeger: Get) -> None:
    [trace] = jaeger(f"/api/traces/{SKEWED}").body["data"]
    warnings = {span["operationName"]: span["warnings"] for span in trace["spans"]}
    [warning] = warnings["GET /orders/{id}"]
    assert warning.startswith("clock skew: the clock of order is about 630 ms behind that of web")
    assert warnings["GET"] is None
    [raw] = jaeger(f"/api/traces/{SKEWED}?raw=true").body["data"]
    assert [span["warnings"] for span in raw["spans"]] == [None, None]


def test_dependencies_are_services_with_topics_in_between_left_out(jaeger: Get) -> None:
    end = T0 // MS + 10_000
    status, body = jaeger(f"/api/dependencies?endTs={end}&lookback=3600000")
    assert status == 200
    calls = {(link["parent"], link["child"]): link["callCount"] for link in body["data"]}
    assert calls == {
        ("order", "email"): 1,
        ("order", "payment"): 1,
        ("order", "pricing"): 1,
        ("payment", "order"): 1,
        ("web", "order"): 1,
    }
    assert jaeger(f"/api/dependencies?endTs={end - 3_600_000_000}&lookback=1000").body["data"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/traces?start=yesterday",
        "/api/traces?minDuration=5",
        "/api/traces?tags=order.id%3D1003",
        "/api/traces?tags=%7B%22a%22%3A%5B1%5D%7D",
        "/api/traces?limit=0",
        "/api/dependencies?endTs=1&lookback=-1",
        "/api/operations?service=order&spanKind=x",
    ],
)
def test_a_parameter_that_makes_no_sense_is_400(jaeger: Get, path: str) -> None:
    status, body = jaeger(path)
    assert (status, body["data"], body["errors"][0]["code"]) == (400, None, 400)
    assert "unable to parse param" in body["errors"][0]["msg"]


def test_the_endpoint_for_otlp_is_asked_with_times_that_are_not_encoded(jaeger: Get) -> None:
    """Behind the feature toggle `jaegerEnableGrpcEndpoint`."""
    assert "order" in jaeger("/api/v3/services").body["services"]
    operations = jaeger("/api/v3/operations?service=order").body["operations"]
    assert {"name": "POST /orders", "spanKind": "server"} in operations
    times = "2026-01-01T00:00:00.123456789Z&query.start_time_max=2027-01-01T00:00:00+01:00"
    found = jaeger(f"/api/v3/traces?query.service_name=audit&query.start_time_min={times}")
    assert found.status == 200
    whole = "start_time=2026-01-01T00:00:00Z&end_time=2027-01-01T00:00:00+01:00"
    assert jaeger(f"/api/v3/traces/{LINKED}?{whole}").body == found.body
    assert jaeger(f"/api/v3/traces/{'9' * 32}") == (
        404,
        {"error": {"httpCode": 404, "message": "trace not found"}},
    )
