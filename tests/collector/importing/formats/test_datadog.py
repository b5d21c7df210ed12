import json
from typing import Any

import pytest

from laban_collector.importing.formats.datadog import FORMAT

from .datadog_spans import START, TRACE_ID, UPPER, chain, span
from .spans_read import Read, read


def read_documents(*documents: object) -> Read:
    assert all(map(FORMAT.recognizes, documents))
    return read(lambda problems: FORMAT.read(documents, problems))


def one(**fields: object) -> dict[str, Any]:
    """Return the row of a span with these fields, with its attributes."""
    found = read_documents(span(1, **fields))
    assert not found.problems
    attributes: dict[str, Any] = json.loads(found.spans[0]["attributes"] or "{}")
    return found.spans[0] | attributes


ALL = [one for trace in chain() for one in trace]


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param(ALL, id="spans"),
        pytest.param([{"traces": chain()}], id="of a serverless forwarder"),
        pytest.param(
            [{"trace": {"root_id": "1", "spans": {str(one["span_id"]): one for one in ALL}}}], id="one trace"
        ),
        pytest.param([span_ | {"trace_id": str(TRACE_ID)} for span_ in ALL], id="ids as text"),
    ],
)
def test_a_message_over_kafka_leads_from_its_sender_to_its_consumer(documents: list[object]) -> None:
    found = read_documents(*documents)
    server, producer, consumer = found.spans
    assert {(row["trace_hi"], row["trace_lo"]) for row in found.spans} == {(int(UPPER, 16), TRACE_ID)}
    assert [row["parent_id"] for row in found.spans] == [0, 1, 2]
    assert [row["kind"] for row in found.spans] == [2, 4, 5]
    assert found.services == ["shop", "shop", "mailer"]
    for row, operation in ((producer, "send"), (consumer, "process")):
        assert (row["messaging_system"], row["messaging_destination"]) == ("kafka", "orders")
        assert (row["messaging_partition"], row["messaging_offset"]) == (3, 12)
        assert row["messaging_operation"] == operation
    assert (producer["messaging_key"], consumer["messaging_group"]) == ("A-1", "mail")
    assert (server["http_method"], server["http_status"], server["name"]) == ("POST", 201, "POST /orders")
    assert (server["start"].value, server["duration"]) == (START, 5_000)
    assert ("order.id", "A-1") in found.correlations
    assert (found.problems, found.unknown) == ({}, {})


def test_the_resource_has_version_environment_and_instance() -> None:
    [resource] = [row for row in read_documents(*ALL).resources if row["version"]]
    attributes = json.loads(resource["attributes"])
    assert (resource["service"], resource["version"], resource["instance"]) == ("shop", "1.2", "r-1")
    assert (attributes["deployment.environment.name"], attributes["process.pid"]) == ("prod", 7)


def test_answers_of_the_api_are_read() -> None:
    sent = {
        "span_id": "7",
        "trace_id": UPPER + "0" * 15 + "9",
        "parent_id": "0",
        "service": "shop",
        "resource_name": "GET /orders/{id}",
        "operation_name": "flask.request",
        "type": "web",
        "start_timestamp": "2026-11-18T10:00:00.250Z",
        "end_timestamp": "2026-11-18T10:00:00.750Z",
        "status": "error",
        "tags": ["env:prod", "team:a:b", "alone"],
        "custom": {
            "duration": 500_000_123,
            "http": {"method": "GET", "url": "http://shop.test/orders/7"},
            "span": {"kind": "server"},
            "error": {"message": "no such order", "type": "KeyError"},
        },
        "new": 1,
    }
    found = read_documents({"data": [{"type": "spans", "id": "x", "attributes": sent}], "meta": {}})
    [row], [event] = found.spans, found.events
    assert (row["trace_hi"], row["trace_lo"], row["span_id"]) == (int(UPPER, 16), 9, 7)
    assert (row["start"].isoformat(), row["duration"]) == ("2026-11-18T10:00:00.250000", 500_000_123)
    assert (row["kind"], row["status"], row["status_message"]) == (2, 2, "no such order")
    assert (row["error_type"], row["http_route"]) == ("KeyError", "/orders/{id}")
    assert json.loads(row["attributes"])["team"] == "a:b"
    assert json.loads(event["attributes"])["exception.message"] == "no such order"
    assert found.unknown == {"new of a span (Datadog API)": 1}


def test_times_of_the_api_for_one_trace_are_seconds() -> None:
    row = one(start=1_795_000_000.25, duration=0.5)
    assert (row["start"].value, row["duration"]) == (1_795_000_000_250_000_000, 500_000_000)


def test_ids_of_a_serverless_forwarder_are_hex() -> None:
    traces = [[span(0, span_id="00000000000000AB", trace_id="1" * 16, parent_id="2".zfill(16))]]
    [row] = read_documents({"traces": traces}).spans
    assert (row["span_id"], row["parent_id"], row["trace_lo"]) == (0xAB, 2, 0x1111111111111111)


def test_a_query_keeps_its_text_out_of_the_name() -> None:
    row = one(
        name="postgres.query",
        resource="SELECT 1",
        type="sql",
        meta={"db.type": "postgres", "db.name": "shop", "out.host": "db.test"},
        metrics={"network.destination.port": 5432.0},
    )
    assert (row["kind"], row["name"], row["db.query.text"]) == (3, "postgres.query", "SELECT 1")
    assert (row["db_system"], row["db_namespace"]) == ("postgresql", "shop")
    assert (row["peer_address"], row["peer_port"]) == ("db.test", 5432)


def test_the_type_of_a_span_names_a_database() -> None:
    row = one(name="redis.command", resource="GET", type="redis")
    assert (row["kind"], row["db_system"]) == (3, "redis")


def test_a_call_belongs_to_the_service_of_the_span_above_it() -> None:
    """As ddtrace writes it if DD_SERVICE is not set: the base service is the name of a folder."""
    folder = {"_dd.base_service": "src"}
    request = span(1, meta={"span.kind": "server", **folder})
    query = span(2, parent_id=1, service="shop-postgres", type="sql", meta=folder)
    socket = span(3, parent_id=2, service="shop-tcp", meta={"span.kind": "client", **folder})
    found = read_documents(request, query, socket)
    assert found.services == ["shop"] * 3
    assert [row["peer_service"] for row in found.spans[1:]] == ["shop-postgres", "shop-tcp"]
    malformed = read_documents(span(1, meta=[]), span(2, parent_id=1, type="sql"))
    assert (len(malformed.spans), malformed.problems.total()) == (1, 1)
    ring = [span(one, parent_id=3 - one, meta={"span.kind": "client"}) for one in (1, 2)]
    assert len(read_documents(*ring).spans) == 2


@pytest.mark.parametrize("parent", [0, "0", "0" * 16, "", None])
def test_a_span_may_have_no_parent(parent: object) -> None:
    assert one(parent_id=parent)["parent_id"] == 0


def test_a_made_service_of_a_call_is_its_peer() -> None:
    meta = {"span.kind": "client", "_dd.base_service": "shop"}
    found = read_documents(span(1, service="payments-api", type="http", meta=meta))
    assert (found.services, found.spans[0]["peer_service"]) == (["shop"], "payments-api")


@pytest.mark.parametrize(
    ("meta", "route"),
    [
        ({"http.url": "http://shop.test/orders/7"}, "/orders/{id}"),
        ({"http.url": "http://shop.test/orders/{id}"}, None),  # it may be the path itself
        ({}, None),
        ({"http.route": "/o", "http.url": "http://shop.test/orders/7"}, "/o"),
    ],
)
def test_the_route_comes_from_the_resource_if_it_is_not_the_path(
    meta: dict[str, str], route: str | None
) -> None:
    assert one(resource="GET /orders/{id}", meta=meta)["http_route"] == route


@pytest.mark.parametrize(
    ("fields", "kind", "system"),
    [
        ({"name": "amqp.command", "meta": {"amqp.queue": "q", "span.kind": "producer"}}, 4, "rabbitmq"),
        ({"name": "aws.sqs.send", "meta": {"queuename": "q"}}, 4, "aws_sqs"),
        ({"name": "rabbitmq.consume", "meta": {}}, 5, "rabbitmq"),
        ({"name": "kafka.produce", "meta": {"messaging.system": "redpanda"}}, 4, "redpanda"),
        ({"name": "job.run", "meta": {}}, 0, None),
    ],
)
def test_names_and_tags_tell_the_kind_and_the_broker(
    fields: dict[str, object], kind: int, system: str | None
) -> None:
    row = one(type="worker", **fields)
    assert (row["kind"], row["messaging_system"]) == (kind, system)


def test_links_come_from_the_field_or_the_tag() -> None:
    tag = json.dumps([{"trace_id": UPPER + "0" * 15 + "9", "span_id": "a" * 16, "attributes": {"a": 1}}])
    field = [{"trace_id": 9, "trace_id_high": 8, "span_id": 10, "tracestate": "dd=s:1"}, {"trace_id": "?"}]
    found = read_documents(span(1, meta={"_dd.span_links": tag}), span(2, span_links=field))
    by_tag, by_field = found.links
    assert (by_tag["linked_trace_hi"], by_tag["linked_span_id"]) == (int(UPPER, 16), 0xAAAAAAAAAAAAAAAA)
    assert (by_field["linked_trace_hi"], by_field["linked_trace_lo"], by_field["linked_span_id"]) == (
        8,
        9,
        10,
    )
    assert by_field["trace_state"] == "dd=s:1"
    assert found.problems == {"link(s) dropped: trace id is not an integer": 1}


def test_events_are_kept_and_the_exception_of_the_tags_is_one() -> None:
    event = {"name": "note", "time_unix_nano": START, "attributes": {"a": 1}}
    meta = {"error.type": "KeyError", "error.stack": "at pay"}
    found = read_documents(span(1, error=1, meta=meta, span_events=[event, {"time_unix_nano": "x"}]))
    assert [event["name"] for event in found.events] == ["note", "exception"]
    assert (found.spans[0]["error_type"], found.spans[0]["status_message"]) == ("KeyError", "KeyError")
    assert found.spans[0]["dropped_events"] == 1


def test_unknown_fields_are_counted() -> None:
    assert read_documents(span(1, odd=1)).unknown == {"odd of a span (Datadog)": 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": 0}, "trace id of zeros"),
        ({"trace_id": "x" * 32}, "trace id that is not hex"),
        ({"span_id": -1}, "span id is out of range"),
        ({"span_id": None}, "no span id"),
        ({"parent_id": 1.5}, "parent span id is not an integer"),
        ({"start": "soon"}, "a start that is not a time in ns"),
        ({"duration": -1}, "a duration that is not a time in ns"),
        ({"meta": []}, "meta is not an object"),
        ({"meta": {"_dd.span_links": "["}}, "_dd.span_links is not JSON"),
    ],
)
def test_a_malformed_span_is_left_out_alone_and_counted(fields: dict[str, object], reason: str) -> None:
    found = read_documents(span(1, **fields), span(2, resource="good"))
    assert [row["name"] for row in found.spans] == ["good"]
    assert found.problems == {f"span(s) rejected: {reason}": 1}
