import json
from typing import Any

import pytest

from laban_collector.decode.json_documents import WrongTypeError
from laban_collector.decode.results import Problems
from laban_collector.importing.formats.jaeger import sent_spans

from .spans_read import Read, read

START_US = 1_795_000_000_000_001
TRACE = "f0e1d2c3b4a5968778695a4b3c2d1e0f"


def tag(key: str, value: object, kind: str = "string") -> dict[str, object]:
    return {"key": key, "type": kind, "value": value}


def jaeger_span(*tags: dict[str, object], **fields: object) -> dict[str, object]:
    return {
        "traceID": TRACE,
        "spanID": "fedcba9876543210",
        "operationName": "charge",
        "references": [],
        "startTime": START_US,
        "duration": 5_000,
        "tags": list(tags),
        "logs": [],
        "processID": "p1",
    } | fields


def reference(kind: str, span_id: str, trace: str = TRACE) -> dict[str, str]:
    return {"refType": kind, "traceID": trace, "spanID": span_id}


def read_spans(*spans: dict[str, object], processes: object = None) -> Read:
    known = {"p1": {"serviceName": "payment", "tags": [tag("hostname", "h1")]}}
    trace = {"traceID": TRACE, "spans": list(spans), "processes": known if processes is None else processes}
    return read(lambda problems: sent_spans(trace, problems))


def attributes(*tags: dict[str, object], **fields: object) -> dict[str, Any]:
    [row] = read_spans(jaeger_span(*tags, **fields)).spans
    return dict(json.loads(row["attributes"] or "{}"))


def test_times_are_microseconds_and_ids_of_64_bits_are_padded() -> None:
    found = read_spans(jaeger_span(traceID="96bd", spanID="1A", references=[]))
    [row] = found.spans
    assert (row["trace_hi"], row["trace_lo"], row["span_id"]) == (0, 0x96BD, 0x1A)
    assert row["start"].value == START_US * 1000
    assert row["duration"] == 5_000_000
    assert found.services == ["payment"]


def test_the_first_child_of_is_the_parent_and_the_others_are_links() -> None:
    found = read_spans(
        jaeger_span(
            references=[
                reference("FOLLOWS_FROM", "1"),
                reference("CHILD_OF", "2"),
                reference("CHILD_OF", "3"),
                reference("CHILD_OF", "4", trace="77"),
            ]
        )
    )
    assert [row["parent_id"] for row in found.spans] == [2]
    assert [(row["linked_trace_lo"], row["linked_span_id"]) for row in found.links] == [
        (0x78695A4B3C2D1E0F, 1),
        (0x78695A4B3C2D1E0F, 3),
        (0x77, 4),
    ]


def test_the_legacy_parent_field_is_read() -> None:
    same = [reference("CHILD_OF", "9")]
    found = read_spans(jaeger_span(parentSpanID="9", references=same))
    assert [row["parent_id"] for row in found.spans] == [9]
    assert found.links == []


@pytest.mark.parametrize(
    ("sent", "kind"),
    [("server", 2), ("client", 3), ("PRODUCER", 4), ("consumer", 5), ("internal", 1), ("?", 0)],
)
def test_the_kind_is_a_tag(sent: str, kind: int) -> None:
    [row] = read_spans(jaeger_span(tag("span.kind", sent))).spans
    assert (row["kind"], row["attributes"]) == (kind, None)


@pytest.mark.parametrize(
    ("tags", "status", "message"),
    [
        ([tag("error", True, "bool")], 2, None),
        ([tag("error", "true")], 2, None),
        ([tag("error", "card refused")], 2, "card refused"),
        ([tag("error", False, "bool")], 0, None),
        ([tag("otel.status_code", "OK")], 1, None),
        ([tag("otel.status_code", "ERROR"), tag("otel.status_description", "late")], 2, "late"),
        ([], 0, None),
    ],
)
def test_an_error_is_a_tag(tags: list[dict[str, object]], status: int, message: str | None) -> None:
    [row] = read_spans(jaeger_span(*tags)).spans
    assert (row["status"], row["status_message"]) == (status, message)


def test_tags_are_converted_to_their_declared_types() -> None:
    found = attributes(
        tag("n", "9007199254740993", "int64"),
        tag("x", "1.5", "float64"),
        tag("yes", "true", "bool"),
        tag("odd", "many", "int64"),
        tag("bytes", "AQI=", "binary"),
    )
    assert found == {"n": 9007199254740993, "x": 1.5, "yes": True, "odd": "many", "bytes": "AQI="}


def test_opentelemetry_tags_become_fields() -> None:
    found = read_spans(jaeger_span(tag("otel.scope.name", "lib"), tag("w3c.tracestate", "a=1")))
    assert (found.scopes[0]["name"], found.spans[0]["trace_state"]) == ("lib", "a=1")
    assert found.spans[0]["attributes"] is None


def test_rpc_attributes_come_from_opentracings_grpc_operation_name() -> None:
    [row] = read_spans(jaeger_span(tag("component", "gRPC"), operationName="/geo.Geo/Nearby")).spans
    assert (row["rpc_system"], row["rpc_service"], row["rpc_method"]) == ("grpc", "geo.Geo", "Nearby")


def test_logs_are_events_and_an_error_is_an_exception() -> None:
    logs = [
        {"timestamp": START_US, "fields": [tag("event", "retry"), tag("attempt", 2, "int64")]},
        {
            "timestamp": START_US + 1,
            "fields": [tag("event", "error"), tag("error.kind", "Refused"), tag("message", "no")],
        },
        {"timestamp": START_US + 2, "fields": [tag("message", "done")]},
    ]
    found = read_spans(jaeger_span(logs=logs))
    assert [(row["name"], row["attributes"]) for row in found.events] == [
        ("retry", '{"attempt":2}'),
        ("exception", '{"exception.type":"Refused","exception.message":"no"}'),
        ("done", '{"message":"done"}'),
    ]
    assert found.events[0]["time"].value == START_US * 1000


def test_process_tags_belong_to_the_resource() -> None:
    trace = {"spans": [jaeger_span()], "processes": {"p1": {"serviceName": "s", "tags": [tag("ip", "1")]}}}
    [sent] = sent_spans(trace, Problems())
    assert sent.resource.attributes == '{"ip":"1","service.name":"s"}'


@pytest.mark.parametrize("processes", [{}, {"p1": {}}, {"p1": None}])
def test_a_missing_process_is_the_unknown_service(processes: object) -> None:
    assert read_spans(jaeger_span(), processes=processes).services == ["unknown_service"]


def test_a_process_inside_its_span_is_read() -> None:
    span = jaeger_span(processID=None, process={"serviceName": "inline", "tags": []})
    assert read_spans(span, processes={}).services == ["inline"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceID": "xyz"}, "trace id that is not hex"),
        ({"traceID": None}, "trace id that is not a string"),
        ({"traceID": ""}, "no trace id"),
        ({"spanID": "0"}, "span id of zeros"),
        ({"spanID": "1" * 17}, "span id of 17 hex digits, not 16"),
        ({"startTime": "now"}, "startTime is not an integer"),
        ({"startTime": 2**63}, "a time after the year 2262"),
        ({"tags": {}}, "tags is not a list of objects"),
        ({"operationName": 1}, "operationName is not a string"),
    ],
)
def test_a_malformed_span_is_left_out_alone_and_counted(fields: dict[str, object], reason: str) -> None:
    found = read_spans(jaeger_span(**fields), jaeger_span(operationName="good"))
    assert [row["name"] for row in found.spans] == ["good"]
    assert found.problems == {f"span(s) rejected: {reason}": 1}


def test_without_a_child_of_reference_the_first_span_that_it_follows_in_the_trace_is_the_parent() -> None:
    found = read_spans(
        jaeger_span(
            references=[
                reference("FOLLOWS_FROM", "4", trace="77"),
                reference("FOLLOWS_FROM", "5"),
                reference("FOLLOWS_FROM", "6"),
            ]
        )
    )
    assert [row["parent_id"] for row in found.spans] == [5]
    assert [row["linked_span_id"] for row in found.links] == [4, 5, 6]


def test_a_malformed_reference_is_dropped_and_counted() -> None:
    found = read_spans(jaeger_span(references=[reference("FOLLOWS_FROM", "")]))
    assert len(found.spans) == 1
    assert found.problems == {"link(s) dropped: no span id": 1}


def test_a_trace_without_a_list_of_spans_is_an_error() -> None:
    with pytest.raises(WrongTypeError, match="spans is not a list"):
        list(sent_spans({"spans": {}, "processes": {}}, Problems()))
