import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.decode.results import AcceptedRequest, DecodedRequests
from laban_collector.errors import UndecodableRequest

from ..requests import SPAN_ID, START, TRACE_ID, body, key_values, request, span


def decode_all(*payloads: bytes) -> DecodedRequests:
    return decode(payloads, KeyFinder())


def changed(**fields: object) -> Span:
    built = span()
    for name, value in fields.items():
        setattr(built, name, value)
    return built


def test_a_span_becomes_a_row_with_exact_ids_and_times() -> None:
    sent = changed(parent_span_id=b"\xff" * 8, flags=0x101, trace_state="a=1", dropped_attributes_count=7)
    [row] = decode_all(body(sent)).batch.spans.to_pylist()
    assert row["trace_hi"].to_bytes(8) + row["trace_lo"].to_bytes(8) == TRACE_ID
    assert row["span_id"].to_bytes(8) == SPAN_ID
    assert row["parent_id"] == 2**64 - 1
    assert row["start"].value == START
    assert row["duration"] == 5_000_000
    assert (row["flags"], row["trace_state"], row["dropped_attributes"]) == (0x101, "a=1", 7)
    assert row["attributes"] is None


def test_a_parent_of_zeros_means_a_root() -> None:
    rows = decode_all(body(changed(parent_span_id=bytes(8)))).batch.spans.to_pylist()
    assert [row["parent_id"] for row in rows] == [0]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": b""}, "trace id of 0 bytes, not 16"),
        ({"trace_id": b"\1" * 17}, "trace id of 17 bytes, not 16"),
        ({"trace_id": bytes(16)}, "trace id of zeros"),
        ({"span_id": b"\1" * 7}, "span id of 7 bytes, not 8"),
        ({"span_id": bytes(8)}, "span id of zeros"),
        ({"parent_span_id": b"\1" * 16}, "parent span id of 16 bytes, not 8 or none"),
        ({"start_time_unix_nano": 2**63}, "a time after the year 2262"),
        ({"end_time_unix_nano": 2**64 - 1}, "a time after the year 2262"),
    ],
)
def test_a_malformed_span_is_rejected_alone_and_counted(fields: dict[str, object], reason: str) -> None:
    decoded = decode_all(body(changed(**fields), span(1)))
    assert decoded.outcomes == (AcceptedRequest(1, 1, f"1 span(s) rejected: {reason}"),)
    assert decoded.batch.spans["name"].to_pylist() == ["span 1"]


def test_an_undecodable_request_does_not_affect_the_others() -> None:
    first, bad, last = decode_all(body(span(0)), b"\xff\xff", body(span(1), span(2))).outcomes
    assert (first, last) == (AcceptedRequest(1), AcceptedRequest(2))
    assert isinstance(bad, UndecodableRequest)


def test_an_empty_request_is_accepted() -> None:
    decoded = decode_all(b"")
    assert decoded.outcomes == (AcceptedRequest(0),)
    assert decoded.batch.spans.num_rows == 0


def test_unknown_fields_are_ignored() -> None:
    assert decode_all(body(span()) + b"\xf8\x07\x01").outcomes == (AcceptedRequest(1),)


def test_events_and_links_contain_the_row_of_their_span() -> None:
    first, second = span(0), span(1)
    second.events.add(time_unix_nano=START, name="exception", attributes=key_values({"exception.type": "E"}))
    second.links.add(trace_id=b"\xee" * 16, span_id=b"\xdd" * 8, flags=1, attributes=key_values({"a": 1}))
    batch = decode_all(body(first), body(second)).batch
    [event], [link] = batch.events.to_pylist(), batch.links.to_pylist()
    assert (event["row"], event["name"], event["attributes"]) == (1, "exception", '{"exception.type":"E"}')
    assert (link["row"], link["linked_trace_hi"], link["linked_span_id"], link["attributes"]) == (
        1,
        0xEEEEEEEEEEEEEEEE,
        0xDDDDDDDDDDDDDDDD,
        '{"a":1}',
    )


def test_a_link_without_ids_is_kept_and_a_malformed_one_is_dropped_and_counted() -> None:
    sent = span()
    sent.links.add(trace_id=bytes(16), span_id=bytes(8))
    sent.links.add(trace_id=b"\1" * 5, span_id=b"\1" * 8)
    decoded = decode_all(body(sent))
    assert decoded.outcomes == (AcceptedRequest(1, 0, "1 link(s) dropped: trace id of 5 bytes, not 16"),)
    assert decoded.batch.links["linked_span_id"].to_pylist() == [0]
    assert decoded.batch.spans["dropped_links"].to_pylist() == [1]


def test_an_end_before_the_start_gives_duration_zero_and_keeps_the_end() -> None:
    [row] = decode_all(body(changed(end_time_unix_nano=START - 5))).batch.spans.to_pylist()
    assert row["duration"] == 0
    assert row["attributes"] == f'{{"laban.end_time_unix_nano":{START - 5}}}'


def test_unknown_kinds_and_status_codes_are_unspecified() -> None:
    sent = changed(kind=9)
    sent.status.code = 7  # type: ignore[assignment]
    [row] = decode_all(body(sent)).batch.spans.to_pylist()
    assert (row["kind"], row["status"]) == (0, 0)


def test_the_order_of_attributes_does_not_change_the_resource() -> None:
    one = request(span(0), resource={"service.name": "order", "host.id": 1}).SerializeToString()
    other = request(span(1), resource={"host.id": 1, "service.name": "order"}).SerializeToString()
    third = request(span(2), resource={"host.id": "1", "service.name": "order"}).SerializeToString()
    batch = decode_all(one, other, third).batch
    first, second, different = batch.spans["resource_id"].to_pylist()
    assert first == second != different
    assert batch.resources.num_rows == 2


def test_resource_ids_are_stable_across_versions() -> None:
    batch = decode_all(body(span())).batch
    assert batch.spans["resource_id"].to_pylist() == [10199671164304286960]


def test_a_resource_without_a_name_is_the_unknown_service() -> None:
    sent = ExportTraceServiceRequest()
    sent.resource_spans.add().scope_spans.add().spans.append(span())
    assert decode_all(sent.SerializeToString()).batch.resources["service"].to_pylist() == ["unknown_service"]


def test_a_correlation_spans_the_first_start_to_the_last_end_of_its_trace() -> None:
    decoded = decode_all(body(span(0, {"order_id": "1"}), span(3, {"order.id": "1"}), span(1)))
    [found] = decoded.batch.correlations.to_pylist()
    assert (found["key"], found["value"]) == ("order.id", "1")
    assert (found["first"].value, found["last"].value) == (START, START + 8_000_000)


def test_business_keys_are_found_in_promoted_attributes() -> None:
    sent = span(
        0, {"messaging.destination.name": "orders", "messaging.kafka.message.key": "1", "http.route": "/a"}
    )
    [found] = decode_all(body(sent)).batch.correlations.to_pylist()
    assert (found["key"], found["value"]) == ("kafka.key", "1")
