import base64
import json
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.json_dialects import FILES
from laban_collector.decode.json_documents import WrongTypeError
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.otlp_json import to_protobuf
from laban_collector.decode.results import AcceptedRequest, DecodedRequests, JsonBody, Problems
from laban_collector.errors import UndecodableRequest

from ..json_requests import json_request, json_span
from ..requests import SPAN_ID, START, TRACE_ID, body, key_values, span

Json = dict[str, Any]


def decode_all(*documents: object) -> DecodedRequests:
    return decode(*(json.dumps(document).encode() for document in documents))


def decode(*bodies: bytes) -> DecodedRequests:
    return OtlpDecoder(KeyFinder()).decode([JsonBody(body) for body in bodies])


def decoded(**fields: object) -> Json:
    """Return the row of one span with these fields."""
    [row] = decode_all(json_request(json_span(**fields))).batch.spans.to_pylist()
    return dict(row)


def attribute(value: Json) -> str | None:
    """Return the stored form of an attribute value."""
    stored: str | None = decoded(attributes=[{"key": "a", "value": value}])["attributes"]
    return stored


def read_file(**fields: object) -> tuple[list[Json], Problems]:
    """Return the rows of one span in the dialect of files, and the problems."""
    problems = Problems()
    request = to_protobuf(json_request(json_span(**fields)), problems, FILES)
    batch = otlp_protobuf.decode([request.body], KeyFinder()).batch
    return batch.spans.to_pylist(), problems


def test_json_and_protobuf_give_the_same_batch() -> None:
    sent = span(
        3,
        {
            "http.request.method": "GET",
            "http.route": "/orders/{id}",
            "url.path": "/orders/7",
            "n": 2**63 - 1,
            "b": b"\xff\xfe",
            "l": ["x", 1.5, True, None],
            "m": {"k": {"deep": -1}},
            "server.port": 8080,
            "nan": float("nan"),
            "up": float("inf"),
            "t": "ünïcode",
        },
        Span.SPAN_KIND_SERVER,
    )
    sent.parent_span_id, sent.flags, sent.trace_state = b"\xff" * 8, 0x101, "a=1"
    sent.status.code, sent.status.message = 2, "broken"  # type: ignore[assignment]
    sent.events.add(time_unix_nano=START, name="exception", attributes=key_values({"exception.type": "E"}))
    sent.links.add(trace_id=b"\xee" * 16, span_id=b"\xdd" * 8, flags=1, attributes=key_values({"a": 1}))
    sent.links.add()
    written = json_span(
        spanId=(int.from_bytes(SPAN_ID) + 3).to_bytes(8).hex(),
        parentSpanId="ff" * 8,
        name="span 3",
        kind=2,
        flags=0x101,
        traceState="a=1",
        startTimeUnixNano=str(START + 3_000_000),
        endTimeUnixNano=START + 8_000_000,
        status={"code": 2, "message": "broken"},
        attributes=[
            {"key": "http.request.method", "value": {"stringValue": "GET"}},
            {"key": "http.route", "value": {"stringValue": "/orders/{id}"}},
            {"key": "url.path", "value": {"stringValue": "/orders/7"}},
            {"key": "n", "value": {"intValue": str(2**63 - 1)}},
            {"key": "b", "value": {"bytesValue": "//4="}},
            {
                "key": "l",
                "value": {
                    "arrayValue": {
                        "values": [{"stringValue": "x"}, {"doubleValue": 1.5}, {"boolValue": True}, {}]
                    }
                },
            },
            {
                "key": "m",
                "value": {
                    "kvlistValue": {
                        "values": [
                            {
                                "key": "k",
                                "value": {
                                    "kvlistValue": {"values": [{"key": "deep", "value": {"intValue": -1}}]}
                                },
                            }
                        ]
                    }
                },
            },
            {"key": "server.port", "value": {"intValue": 8080}},
            {"key": "nan", "value": {"doubleValue": "NaN"}},
            {"key": "up", "value": {"doubleValue": "Infinity"}},
            {"key": "t", "value": {"stringValue": "ünïcode"}},
        ],
        events=[
            {
                "timeUnixNano": str(START),
                "name": "exception",
                "attributes": [{"key": "exception.type", "value": {"stringValue": "E"}}],
            }
        ],
        links=[
            {
                "traceId": "ee" * 16,
                "spanId": "dd" * 8,
                "flags": 1,
                "attributes": [{"key": "a", "value": {"intValue": "1"}}],
            },
            {},
        ],
    )
    ours = decode_all(json_request(written)).batch
    theirs = otlp_protobuf.decode([body(sent)], KeyFinder()).batch
    for name in ("spans", "resources", "scopes", "events", "links", "correlations"):
        assert getattr(ours, name).to_pylist() == getattr(theirs, name).to_pylist(), name


@pytest.mark.parametrize("sent", [TRACE_ID.hex(), TRACE_ID.hex().upper()])
def test_ids_are_hex_in_either_case(sent: str) -> None:
    row = decoded(traceId=sent)
    assert row["trace_hi"].to_bytes(8) + row["trace_lo"].to_bytes(8) == TRACE_ID


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceId": ""}, "trace id of 0 hex digits, not 32"),
        ({"traceId": "a" * 33}, "trace id of 33 hex digits, not 32"),
        ({"traceId": "0" * 32}, "trace id of zeros"),
        ({"traceId": "0x" + "a" * 30}, "trace id that is not hex"),
        ({"traceId": base64.b64encode(TRACE_ID).decode()}, "trace id that is not hex"),
        ({"spanId": "+" + "a" * 15}, "span id that is not hex"),
        ({"spanId": "0" * 16}, "span id of zeros"),
        ({"parentSpanId": "ab"}, "parent span id of 2 hex digits, not 16"),
        ({"startTimeUnixNano": str(2**63)}, "a time after the year 2262"),
    ],
)
def test_a_malformed_span_is_rejected_alone_and_counted(fields: Json, reason: str) -> None:
    found = decode_all(json_request(json_span(**fields), json_span(name="good")))
    assert found.outcomes == (AcceptedRequest(1, 1, f"1 span(s) rejected: {reason}"),)
    assert found.batch.spans["name"].to_pylist() == ["good"]


@pytest.mark.parametrize(
    "sent",
    [
        START + 1,
        str(START + 1),
        f"{START + 1}.0",
        "1.795000000000000001e18",
        "179500000000000000100e-2",
    ],
)
def test_nanoseconds_are_exact_beyond_2_to_the_53(sent: object) -> None:
    assert decoded(startTimeUnixNano=sent)["start"].value == START + 1


def test_a_number_with_an_exponent_is_an_integer_if_it_is_whole() -> None:
    text = json.dumps(json_request(json_span())).replace(f'"{START}"', "1.795e18")
    batch = decode(text.encode()).batch
    assert batch.spans.to_pylist()[0]["start"].value == START


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kind": "SPAN_KIND_SERVER"}, "kind is a string: OTLP/JSON writes enums as numbers"),
        ({"status": {"code": "STATUS_CODE_ERROR"}}, "code is a string"),
        ({"kind": 1.5}, "kind is not an integer"),
        ({"startTimeUnixNano": "now"}, "startTimeUnixNano is not an integer"),
        ({"startTimeUnixNano": -1}, "startTimeUnixNano is out of range"),
        ({"startTimeUnixNano": True}, "startTimeUnixNano is not an integer"),
        ({"flags": 2**32}, "flags is out of range"),
        ({"name": 7}, "name is not a string"),
        ({"traceId": 7}, "traceId is not a string"),
        ({"events": {}}, "events is not a list of objects"),
        ({"events": [None]}, "events is not a list of objects"),
        ({"status": []}, "status is not an object"),
        ({"attributes": [{"key": 1, "value": {}}]}, "the key of an attribute is not a string"),
        ({"attributes": [{"key": "a", "value": {"intValue": "9223372036854775808"}}]}, "out of range"),
        ({"attributes": [{"key": "a", "value": {"intValue": 18446744073709551616}}]}, "out of range"),
        ({"attributes": [{"key": "a", "value": {"boolValue": "true"}}]}, "boolValue"),
        ({"attributes": [{"key": "a", "value": {"doubleValue": "x"}}]}, "doubleValue is not a number"),
        ({"attributes": [{"key": "a", "value": {"bytesValue": "?"}}]}, "bytesValue is not base64"),
        ({"attributes": [{"key": "a", "value": "plain"}]}, "the value of an attribute is not an object"),
    ],
)
def test_on_the_wire_a_field_of_the_wrong_type_refuses_only_its_own_body(fields: Json, problem: str) -> None:
    good = json_request(json_span(name="good"))
    bad = json_request(json_span(name="first"), json_span(**fields))
    found = decode_all(bad, good)
    outcome, other = found.outcomes
    assert isinstance(outcome, UndecodableRequest)
    assert problem in str(outcome)
    assert other == AcceptedRequest(1)
    assert found.batch.spans["name"].to_pylist() == ["good"]


@pytest.mark.parametrize("sent", [b"", b"[]", b"null", b"{", b'{"resourceSpans":NaN}', b"[" * 5000, b"\xff"])
def test_what_is_not_a_json_object_is_undecodable(sent: bytes) -> None:
    [outcome] = decode(sent).outcomes
    assert isinstance(outcome, UndecodableRequest)


def test_a_body_with_too_many_json_elements_is_undecodable() -> None:
    [outcome] = decode(b'{"resourceSpans":[' + b"{}," * 2_000_000 + b"{}]}").outcomes
    assert "more than 2000000 JSON elements" in str(outcome)


@pytest.mark.parametrize("sent", [{}, {"resourceSpans": []}, {"resourceSpans": None}, {"other": 1}])
def test_an_empty_request_is_accepted(sent: Json) -> None:
    assert decode_all(sent).outcomes == (AcceptedRequest(0),)


def test_unknown_fields_and_snake_case_names_are_ignored() -> None:
    row = decoded(future={"a": [1]}, parent_span_id="ff" * 8)
    assert row["parent_id"] == 0


def test_null_means_missing() -> None:
    nothing = dict.fromkeys(("parentSpanId", "attributes", "events", "links", "status", "kind", "flags"))
    assert decoded(**nothing)["attributes"] is None


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"intValue": 9223372036854775807}, "9223372036854775807"),
        ({"intValue": "-9223372036854775808"}, "-9223372036854775808"),
        ({"intValue": 3.0}, "3"),
        ({"doubleValue": 3}, "3.0"),
        ({"doubleValue": "1.5"}, "1.5"),
        ({"doubleValue": "-Infinity"}, '"-Infinity"'),
        ({"bytesValue": "_-8"}, '"/+8="'),
        ({"stringValue": ""}, '""'),
        ({"stringValue": None}, "null"),
        ({"valueFromTheFuture": 1}, "null"),
        ({}, "null"),
        (None, "null"),
    ],
)
def test_attribute_values_are_stored_exactly(sent: Json, stored: str) -> None:
    assert attribute(sent) == f'{{"a":{stored}}}'


def test_too_deeply_nested_values_are_rejected() -> None:
    value: Json = {"intValue": 1}
    for _ in range(60):
        value = {"arrayValue": {"values": [value]}}
    found = decode_all(json_request(json_span(attributes=[{"key": "a", "value": value}])))
    assert found.outcomes == (
        AcceptedRequest(0, 1, "1 span(s) rejected: an attribute with more than 30 levels"),
    )


def test_in_files_base64_ids_and_names_of_enums_are_read() -> None:
    [row], problems = read_file(
        traceId=base64.b64encode(TRACE_ID).decode(),
        spanId=base64.urlsafe_b64encode(SPAN_ID).decode().rstrip("="),
        kind="SPAN_KIND_CONSUMER",
        status={"code": "Error"},
    )
    assert row["trace_hi"].to_bytes(8) + row["trace_lo"].to_bytes(8) == TRACE_ID
    assert row["span_id"].to_bytes(8) == SPAN_ID
    assert (row["kind"], row["status"]) == (5, 2)
    assert not problems.reasons


def test_in_files_a_field_of_the_wrong_type_rejects_only_its_own_span() -> None:
    rows, problems = read_file(startTimeUnixNano="now")
    assert rows == []
    assert problems.reasons == {"span(s) rejected: startTimeUnixNano is not an integer": 1}


def test_in_files_field_names_of_older_versions_and_of_tempo_are_read() -> None:
    document = {
        "batches": [
            {
                "instrumentationLibrarySpans": [
                    {"instrumentationLibrary": {"name": "old"}, "spans": [json_span()]}
                ]
            }
        ]
    }
    request = otlp_protobuf.parse(to_protobuf(document, Problems(), FILES).body)
    assert request.resource_spans[0].scope_spans[0].scope.name == "old"


def test_in_files_a_document_of_the_wrong_shape_is_an_error() -> None:
    with pytest.raises(WrongTypeError, match="resourceSpans is not a list of objects"):
        to_protobuf({"resourceSpans": 7}, Problems(), FILES)
