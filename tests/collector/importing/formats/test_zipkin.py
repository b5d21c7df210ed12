import json
from typing import Any

import pytest

from laban_collector.importing.formats.zipkin import sent_spans

from .spans_read import Read, read

START_US = 1_795_000_000_000_001


def zipkin_span(**fields: object) -> dict[str, object]:
    return {
        "traceId": "f0e1d2c3b4a59687",
        "id": "fedcba9876543210",
        "name": "get",
        "timestamp": START_US,
        "duration": 5_000,
        "localEndpoint": {"serviceName": "web"},
    } | fields


def read_spans(*spans: object) -> Read:
    return read(lambda problems: sent_spans(spans, problems))


def one(**fields: object) -> dict[str, Any]:
    [row] = read_spans(zipkin_span(**fields)).spans
    attributes: dict[str, Any] = json.loads(row["attributes"] or "{}")
    return row | attributes


def test_times_are_microseconds_and_ids_of_64_bits_are_padded() -> None:
    found = read_spans(zipkin_span(parentId="1A"))
    [row] = found.spans
    assert (row["trace_hi"], row["trace_lo"]) == (0, 0xF0E1D2C3B4A59687)
    assert (row["span_id"], row["parent_id"]) == (0xFEDCBA9876543210, 0x1A)
    assert (row["start"].value, row["duration"]) == (START_US * 1000, 5_000_000)
    assert found.services == ["web"]


def test_a_trace_id_may_have_128_bits() -> None:
    row = one(traceId="F0E1D2C3B4A5968778695A4B3C2D1E0F")
    assert (row["trace_hi"], row["trace_lo"]) == (0xF0E1D2C3B4A59687, 0x78695A4B3C2D1E0F)


def test_both_halves_of_a_shared_span_are_read() -> None:
    client = zipkin_span(kind="CLIENT")
    server = zipkin_span(kind="SERVER", shared=True, localEndpoint={"serviceName": "api"})
    found = read_spans(client, server)
    assert [(row["span_id"], row["kind"]) for row in found.spans] == [
        (0xFEDCBA9876543210, 3),
        (0xFEDCBA9876543210, 2),
    ]
    assert found.services == ["web", "api"]


def test_the_tag_span_kind_replaces_a_missing_kind() -> None:
    row = one(tags={"span.kind": "client"}, remoteEndpoint={"serviceName": "bank", "ipv4": "10.0.0.1"})
    assert (row["kind"], row["peer_service"], row["peer_address"]) == (3, "bank", "10.0.0.1")
    assert one(kind="SERVER", tags={"span.kind": "client"})["kind"] == 2


def test_a_shared_half_without_a_kind_is_the_servers() -> None:
    assert one(shared=True)["kind"] == 2


def test_several_receivers_of_one_message_get_distinct_ids() -> None:
    """Brave shares the sender's id with all receivers of a message; each receiver is a separate span."""
    sender = zipkin_span(kind="CLIENT", parentId="1a")
    receivers = [
        zipkin_span(
            parentId="1a",
            kind="SERVER",
            shared=True,
            timestamp=START_US + late,
            localEndpoint={"serviceName": "api"},
        )
        for late in (1, 2)
    ]
    found = read_spans(sender, *receivers)
    first, second, third = found.spans
    assert first["span_id"] == second["span_id"]
    assert third["span_id"] not in (0, first["span_id"])
    assert third["parent_id"] == second["parent_id"] == 0x1A
    assert read_spans(sender, *receivers).spans == found.spans
    again = read_spans(sender, *receivers, receivers[1]).spans
    assert again[2]["span_id"] == again[3]["span_id"]


@pytest.mark.parametrize(
    ("sent", "message"), [("", None), ("true", None), ("503", "503"), ("false", "false")]
)
def test_an_error_tag_of_any_value_is_an_error(sent: str, message: str | None) -> None:
    row = one(tags={"error": sent})
    assert (row["status"], row["status_message"]) == (2, message)


def test_the_remote_endpoint_of_a_client_is_its_server() -> None:
    remote = {"serviceName": "api", "ipv4": "10.0.0.3", "port": 8080}
    row = one(kind="CLIENT", remoteEndpoint=remote)
    assert (row["peer_service"], row["peer_address"], row["peer_port"]) == ("api", "10.0.0.3", 8080)


def test_the_remote_endpoint_of_a_server_is_its_client() -> None:
    row = one(kind="SERVER", remoteEndpoint={"serviceName": "mobile-app", "ipv6": "::1", "port": 5})
    assert (row["peer_service"], row["peer_address"], row["peer_port"]) == ("mobile-app", "::1", 5)
    assert (row["client.address"], row["client.port"]) == ("::1", 5)


def test_the_remote_endpoint_of_a_span_without_a_kind_is_its_peer() -> None:
    row = one(remoteEndpoint={"serviceName": "postgres", "ipv4": "10.0.0.3", "port": 5432})
    assert (row["peer_service"], row["peer_address"], row["peer_port"]) == ("postgres", "10.0.0.3", 5432)


@pytest.mark.parametrize("tags", [{"messaging.destination": "orders"}, {"message_bus.destination": "orders"}])
def test_the_broker_does_not_stand_for_a_topic_that_any_tag_names(tags: dict[str, str]) -> None:
    row = one(kind="CONSUMER", remoteEndpoint={"serviceName": "our-broker"}, tags=tags)
    assert (row["messaging_system"], row["messaging_destination"]) == ("our-broker", "orders")


@pytest.mark.parametrize(
    ("tags", "topic", "group"),
    [
        ({"rabbit.exchange": "logs", "rabbit.routing_key": "warn", "rabbit.queue": "audit"}, "logs", "audit"),
        ({"rabbit.exchange": "", "rabbit.routing_key": "audit", "rabbit.queue": "audit"}, "audit", None),
        ({"rabbit.queue": "audit"}, "audit", None),
    ],
)
def test_braves_tags_of_rabbitmq_name_exchange_and_queue(
    tags: dict[str, str], topic: str, group: str | None
) -> None:
    row = one(kind="CONSUMER", remoteEndpoint={"serviceName": "rabbitmq"}, tags=tags)
    assert (row["messaging_system"], row["messaging_destination"]) == ("rabbitmq", topic)
    assert row["messaging_group"] == group


def test_the_remote_endpoint_of_a_message_is_its_broker_and_no_topic() -> None:
    row = one(kind="PRODUCER", remoteEndpoint={"serviceName": "rabbitmq"})
    assert (row["messaging_system"], row["messaging_destination"]) == ("rabbitmq", None)
    assert row["messaging_operation"] == "send"


def test_a_topic_tag_wins_over_the_broker() -> None:
    row = one(kind="CONSUMER", remoteEndpoint={"serviceName": "kafka"}, tags={"kafka.topic": "orders"})
    assert (row["messaging_system"], row["messaging_destination"]) == ("kafka", "orders")
    assert row["kafka.topic"] == "orders"


def test_tags_are_attributes_and_get_their_columns() -> None:
    row = one(tags={"http.method": "GET", "http.path": "/things", "http.status_code": "200"})
    assert (row["http_method"], row["http_status"], row["http.path"]) == ("GET", 200, "/things")


def test_annotations_are_events() -> None:
    [event] = read_spans(zipkin_span(annotations=[{"timestamp": START_US + 1, "value": "ws"}])).events
    assert (event["time"].value, event["name"]) == ((START_US + 1) * 1000, "ws")


def test_a_missing_duration_is_zero() -> None:
    span = zipkin_span()
    del span["duration"]
    assert [row["duration"] for row in read_spans(span).spans] == [0]


def test_a_missing_timestamp_comes_from_the_first_annotation_or_the_other_half() -> None:
    noted = zipkin_span(id="1", timestamp=None, annotations=[{"timestamp": START_US + 7, "value": "x"}])
    client = zipkin_span(id="2", kind="CLIENT")
    server = zipkin_span(id="2", kind="SERVER", shared=True, timestamp=None)
    alone = zipkin_span(id="3", timestamp=None)
    found = read_spans(noted, server, client, alone)
    assert [row["start"].value // 1000 for row in found.spans] == [START_US + 7, START_US, START_US]
    assert found.problems == {"span(s) rejected: no timestamp": 1}


def test_a_missing_service_is_the_unknown_service() -> None:
    assert read_spans(zipkin_span(localEndpoint=None)).services == ["unknown_service"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceId": "g"}, "trace id that is not hex"),
        ({"traceId": "0"}, "trace id of zeros"),
        ({"id": None}, "span id that is not a string"),
        ({"parentId": "1" * 17}, "parent span id of 17 hex digits, not 16"),
        ({"timestamp": "soon"}, "timestamp is not an integer"),
        ({"tags": []}, "tags is not an object"),
        ({"kind": 1}, "kind is not a string"),
    ],
)
def test_a_malformed_span_is_left_out_alone_and_counted(fields: dict[str, object], reason: str) -> None:
    found = read_spans(zipkin_span(**fields), zipkin_span(name="good"), 7)
    assert [row["name"] for row in found.spans] == ["good"]
    assert found.problems == {
        f"span(s) rejected: {reason}": 1,
        "span(s) rejected: a span is not an object": 1,
    }
