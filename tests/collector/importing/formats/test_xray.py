import json
from typing import Any

import pytest

from laban_collector.importing.formats.xray import FORMAT

from .spans_read import Read, read
from .xray_documents import QUEUE_URL, START, TRACE, TRACE_ID, chain, publish, segment, subsegment

INFERRED = "segment(s) left out: X-Ray inferred them from calls, which are stored"


def read_documents(*documents: object) -> Read:
    assert all(map(FORMAT.recognizes, documents))
    return read(lambda problems: FORMAT.read(documents, problems))


def one(**fields: object) -> dict[str, Any]:
    """Return the row of a subsegment of `shop` with these fields, with its attributes."""
    found = read_documents(segment(subsegments=[subsegment("call", 1, **fields)]))
    assert not found.problems
    attributes: dict[str, Any] = json.loads(found.spans[1]["attributes"] or "{}")
    return found.spans[1] | attributes


def traces(*segments: object, **fields: object) -> dict[str, Any]:
    """Return an answer of BatchGetTraces."""
    documents = [{"Id": "x", "Document": json.dumps(sent)} for sent in segments]
    return {"Traces": [{"Id": TRACE, "Duration": 1.0, "Segments": documents} | fields]}


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param([{"format": "json", "version": 1}, *chain()], id="as sent to the daemon"),
        pytest.param([traces(*chain())], id="BatchGetTraces"),
        pytest.param([traces(*chain())["Traces"][0]], id="one trace"),
        pytest.param([{"TraceSegmentDocuments": list(map(json.dumps, chain()))}], id="PutTraceSegments"),
        pytest.param([traces(*chain()[2:]), traces(*chain()[:2])], id="two answers, the effect first"),
    ],
)
def test_a_message_over_sqs_leads_from_its_sender_to_its_consumer(documents: list[object]) -> None:
    found = read_documents(*documents)
    by_service = {
        (service, row["kind"]): row for service, row in zip(found.services, found.spans, strict=True)
    }
    server, producer, consumer = (by_service[key] for key in (("shop", 2), ("shop", 4), ("mailer", 5)))
    assert {(row["trace_hi"], row["trace_lo"]) for row in found.spans} == {TRACE_ID}
    assert producer["parent_id"] == server["span_id"]
    assert consumer["parent_id"] == producer["span_id"]  # not the segment of the queue
    for row, operation in ((producer, "send"), (consumer, "process")):
        assert (row["messaging_system"], row["messaging_destination"]) == ("aws_sqs", "orders")
        assert row["messaging_operation"] == operation
    assert (server["http_method"], server["http_status"]) == ("POST", 201)
    assert (server["start"].value, server["duration"]) == (1_795_000_000_250_000_000, 500_000_000)
    assert found.problems == {}
    assert found.notes == {INFERRED: 1}
    assert found.correlations == {("order.id", "A-1")}


def test_the_resource_says_where_the_service_runs() -> None:
    [resource] = [row for row in read_documents(*chain()).resources if row["service"] == "shop"]
    attributes = json.loads(resource["attributes"])
    assert resource["version"] == "1.2"
    assert attributes["cloud.account.id"] == "123456789012"
    assert (attributes["host.id"], attributes["telemetry.sdk.name"]) == ("i-1", "X-Ray for Go")


def test_annotations_and_metadata_are_attributes() -> None:
    [row] = [row for row in read_documents(*chain()).spans if row["kind"] == 2]
    attributes = json.loads(row["attributes"])
    assert (attributes["order_id"], attributes["aws.xray.metadata.default.cart.items"]) == ("A-1", 2)


def test_a_remote_subsegment_is_the_client_of_the_segment_below_it() -> None:
    call = subsegment("api.test", 1, namespace="remote", http={"request": {"url": "https://api.test/v1/x"}})
    caller, client, server = read_documents(
        segment(subsegments=[call]), segment("api", id="3" * 16, parent_id="1".zfill(16))
    ).spans
    assert [row["kind"] for row in (caller, client, server)] == [2, 3, 2]
    assert server["parent_id"] == client["span_id"]
    assert client["peer_address"] == "api.test"


def test_a_call_without_an_url_has_its_name_as_peer() -> None:
    row = one(namespace="remote")
    assert (row["kind"], row["peer_service"]) == (3, "call")


def test_a_subsegment_without_a_namespace_is_internal() -> None:
    assert one()["kind"] == 1


def test_a_query_has_database_host_and_text() -> None:
    row = one(
        namespace="remote",
        sql={
            "url": "jdbc:postgresql://db.test:5433/shop",
            "database_type": "PostgreSQL",
            "sanitized_query": "SELECT ?",
            "user": "app",
            "preparation": "statement",
        },
    )
    assert (row["db_system"], row["db_namespace"]) == ("postgresql", "shop")
    assert (row["peer_address"], row["peer_port"]) == ("db.test", 5433)
    assert (row["db.query.text"], row["aws.xray.sql.preparation"]) == ("SELECT ?", "statement")


def test_a_query_without_an_url_takes_database_and_host_from_its_name() -> None:
    query = subsegment("shop@db.test", 1, namespace="remote", sql={"database_type": "MySQL"})
    row = read_documents(segment(subsegments=[query])).spans[1]
    assert (row["db_system"], row["db_namespace"], row["peer_address"]) == ("mysql", "shop", "db.test")


def test_a_call_of_dynamodb_is_a_query_and_of_others_an_rpc() -> None:
    aws = {"operation": "PutItem", "table_name": "orders", "region": "eu-west-1"}
    dynamodb, s3 = read_documents(
        segment(
            subsegments=[
                subsegment("S3", 2, namespace="aws", aws={"operation": "GetObject"}),
                subsegment("DynamoDB", 1, namespace="aws", aws=aws),
            ]
        )
    ).spans[1:]
    attributes = json.loads(dynamodb["attributes"])
    assert (dynamodb["db_system"], attributes["db.operation.name"]) == ("aws.dynamodb", "PutItem")
    assert (attributes["db.collection.name"], attributes["aws.region"]) == ("orders", "eu-west-1")
    assert (s3["rpc_system"], s3["rpc_service"], s3["rpc_method"]) == ("aws-api", "S3", "GetObject")


def test_sns_is_named_after_its_topic() -> None:
    aws = {"operation": "Publish", "topic_arn": "arn:aws:sns:eu-west-1:123456789012:paid"}
    row = read_documents(segment(subsegments=[publish(aws=aws) | {"name": "SNS"}])).spans[1]
    assert (row["kind"], row["messaging_system"], row["messaging_destination"]) == (4, "aws.sns", "paid")


@pytest.mark.parametrize(
    ("operation", "kind", "expected"), [("ReceiveMessage", 3, "receive"), ("DeleteMessage", 3, "settle")]
)
def test_receiving_and_deleting_messages_are_calls(operation: str, kind: int, expected: str) -> None:
    aws = {"operation": operation, "queue_url": QUEUE_URL}
    row = read_documents(segment(subsegments=[publish(aws=aws)])).spans[1]
    assert (row["kind"], row["messaging_operation"]) == (kind, expected)


def test_a_segment_that_links_to_a_message_consumes_it() -> None:
    sent = segment(subsegments=[publish()])
    link = {"trace_id": TRACE, "id": "1".zfill(16), "attributes": {"from": {"queue": 1}}}
    other = "1-58406520-ffffffffffffffffffffffff"
    found = read_documents(segment("mailer", trace_id=other, id="3" * 16, links=[link, {"id": "x"}]), sent)
    assert [row["kind"] for row in found.spans] == [5, 2, 4]
    [row] = found.links
    assert (row["linked_trace_hi"], row["linked_trace_lo"], row["linked_span_id"]) == (*TRACE_ID, 1)
    assert json.loads(row["attributes"]) == {"from.queue": 1}
    assert found.problems == {"link(s) dropped: no trace id": 1}


def test_the_two_segments_of_a_lambda_function_are_one_visit() -> None:
    service = segment("resize", origin="AWS::Lambda")
    function = segment("resize", id="3" * 16, parent_id=service["id"], origin="AWS::Lambda::Function")
    assert [row["kind"] for row in read_documents(service, function).spans] == [2, 1]


EXCEPTION = {
    "id": "e1",
    "type": "KeyError",
    "message": "no such order",
    "stack": [{"path": "shop.py", "line": 7, "label": "pay"}],
}


def test_an_exception_is_an_event_and_names_the_error() -> None:
    found = read_documents(segment(fault=True, cause={"exceptions": [EXCEPTION]}))
    [row], [event] = found.spans, found.events
    assert (row["status"], row["status_message"], row["error_type"]) == (2, "no such order", "KeyError")
    assert event["name"] == "exception"
    assert json.loads(event["attributes"]) == {
        "exception.type": "KeyError",
        "exception.message": "no such order",
        "exception.stacktrace": "at pay (shop.py:7)",
    }


def test_a_cause_may_refer_to_the_exception_of_another_segment() -> None:
    failed = subsegment("inner", 1, fault=True, cause={"exceptions": [EXCEPTION]})
    found = read_documents(segment(fault=True, cause="e1", subsegments=[failed]))
    assert [row["error_type"] for row in found.spans] == ["KeyError", "KeyError"]
    assert len(found.events) == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"fault": True}, 2),
        ({"error": True}, 2),
        ({"error": True, "http": {"response": {"status": 404}}}, 0),  # a refused request, seen by the server
        ({"fault": True, "http": {"response": {"status": 500}}}, 2),
        ({"fault": False, "error": False}, 0),
        ({}, 0),
    ],
)
def test_faults_and_errors_are_the_status(fields: dict[str, Any], status: int) -> None:
    [row] = read_documents(segment(**fields)).spans
    assert row["status"] == status


def test_a_throttled_call_is_an_error() -> None:
    row = one(namespace="aws", throttle=True, error=True, http={"response": {"status": 429}})
    assert (row["status"], row["error_type"]) == (2, "throttle")


def test_a_segment_in_progress_ends_with_what_is_known_and_gives_way_to_the_complete_one() -> None:
    begun = segment(end_time=None, in_progress=True, subsegments=[subsegment("a", 1)])
    found = read_documents(begun)
    assert found.spans[0]["duration"] == 200_000_000
    assert json.loads(found.spans[0]["attributes"])["aws.xray.in_progress"] is True
    assert found.notes == {"segment(s) in progress: stored up to what is known": 1}
    for documents in ([begun, segment()], [segment(), begun]):
        found = read_documents(*documents)
        assert next(row for row in found.spans if row["span_id"] != 1)["duration"] == 500_000_000
        assert "segment(s) in progress: stored up to what is known" not in found.notes


def test_a_subsegment_that_was_sent_alone_belongs_to_the_service_of_its_segment() -> None:
    alone = subsegment("step", 1, trace_id=TRACE, parent_id="70de5b6f19ff9a0a", type="subsegment")
    assert read_documents(alone, segment()).services == ["shop", "shop"]
    found = read_documents(alone)
    assert (found.services, found.spans[0]["kind"]) == (["unknown_service"], 1)


def test_what_x_ray_did_not_return_is_counted() -> None:
    answer = traces(segment(), LimitExceeded=True) | {"UnprocessedTraceIds": [TRACE, TRACE]}
    found = read_documents(answer)
    assert found.problems == {
        "trace(s) skipped: X-Ray did not return them (UnprocessedTraceIds). Export them again": 2
    }
    assert found.notes == {"trace(s) are incomplete: they exceed X-Ray's size limit (LimitExceeded)": 1}


def test_unknown_fields_are_counted() -> None:
    found = read_documents(segment(Dummy=False, subsegments=[subsegment("x", 1, Dummy=1, odd=2)]))
    assert found.unknown == {"Dummy of a segment (X-Ray)": 2, "odd of a segment (X-Ray)": 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": "1-58406520-xyz"}, "trace id that is not hex"),
        ({"trace_id": "1-00000000-000000000000000000000000"}, "trace id of zeros"),
        ({"id": "7" * 17}, "span id of 17 hex digits, not 16"),
        ({"id": 7}, "id is not a string"),
        ({"start_time": "soon"}, "a start_time that is not a number"),
        ({"start_time": START * 1000}, "a start_time that is not in seconds since 1970"),
        ({"http": []}, "http is not an object"),
        ({"cause": {"exceptions": [{"stack": 1}]}}, "stack is not a list of objects"),
    ],
)
def test_a_malformed_segment_is_left_out_alone_and_counted(fields: dict[str, Any], reason: str) -> None:
    found = read_documents(segment(**fields), segment("good", id="5" * 16))
    assert [row["name"] for row in found.spans] == ["good"]
    assert found.problems == {f"span(s) rejected: {reason}": 1}


def test_malformed_subsegments_do_not_cost_their_segment() -> None:
    found = read_documents(segment(subsegments=[7]))
    assert len(found.spans) == 1
    assert found.problems == {"span(s) rejected: subsegments is not a list of objects": 1}


def test_a_segment_document_that_is_not_json_is_left_out_alone() -> None:
    answer = traces(segment())
    answer["Traces"][0]["Segments"].insert(0, {"Document": "{"})
    found = read_documents(answer)
    assert len(found.spans) == 1
    [reason] = found.problems
    assert reason.startswith("span(s) rejected: a segment document that is not JSON")
