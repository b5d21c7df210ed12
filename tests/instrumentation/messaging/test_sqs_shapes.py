"""SQS: the cases that the end-to-end test does not cover."""

from collections.abc import Callable, Generator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from boto3.session import Session
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from laban.messaging import process_span
from laban.messaging.sqs import LabanBoto3SQSInstrumentor

from ..recording import Recording

MakeClient = Callable[[], Any]


@pytest.fixture
def traced(recording: Recording) -> Generator[Recording]:
    instrumentor = LabanBoto3SQSInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    instrumentor.uninstrument()
    assert process_span.open_spans() == []


@pytest.fixture
def make_client(sqs_url: str) -> MakeClient:
    def make() -> Any:
        return boto3.client(
            "sqs",
            endpoint_url=sqs_url,
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )

    return make


@pytest.fixture
def client(make_client: MakeClient, traced: Recording) -> Any:
    return make_client()


@pytest.fixture
def queue(client: Any) -> str:
    return str(client.create_queue(QueueName=f"queue-{uuid4().hex[:8]}")["QueueUrl"])


def test_an_empty_poll_starts_no_span(client: Any, queue: str, traced: Recording) -> None:
    assert "Messages" not in client.receive_message(QueueUrl=queue)
    assert traced.finished == []


def test_a_loop_that_raises_restores_the_context_and_marks_the_span_as_failed(
    client: Any, queue: str, traced: Recording
) -> None:
    client.send_message(QueueUrl=queue, MessageBody="1")
    names = ["kind"]
    with pytest.raises(RuntimeError, match="no"):  # noqa: PT012 - the loop is what is tested
        for _ in client.receive_message(QueueUrl=queue, MessageAttributeNames=names)["Messages"]:
            raise RuntimeError("no")
    assert names == ["kind"]
    assert not trace.get_current_span().get_span_context().is_valid
    client.receive_message(QueueUrl=queue)  # ends an open span
    (failed,) = traced.of_kind(SpanKind.CONSUMER)
    assert failed.status is StatusCode.ERROR


def test_the_span_of_a_message_taken_by_index_lasts_until_the_next_poll(
    client: Any, queue: str, traced: Recording
) -> None:
    client.send_message(QueueUrl=queue, MessageBody="1")
    polled = client.receive_message(QueueUrl=queue)
    receipt = polled["Messages"][0]["ReceiptHandle"]
    assert polled["Messages"][0]["Body"] == "1"
    with traced.tracer.start_as_current_span("handle"):
        pass
    client.delete_message(QueueUrl=queue, ReceiptHandle=receipt)
    client.receive_message(QueueUrl=queue)
    (processed,) = traced.of_kind(SpanKind.CONSUMER)
    assert traced.one("handle").parent == processed.id
    assert processed.parent == traced.of_kind(SpanKind.PRODUCER)[0].id


def test_sending_and_deleting_a_batch_works_as_without_laban(
    client: Any, queue: str, traced: Recording
) -> None:
    entries: list[dict[str, Any]] = [{"Id": str(number), "MessageBody": "1"} for number in range(2)]
    sent = client.send_message_batch(QueueUrl=queue, Entries=entries)
    assert all(entry.keys() == {"Id", "MessageBody"} for entry in entries)
    assert len(sent["Successful"]) == 2
    polled = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    handles = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in polled]
    assert len(client.delete_message_batch(QueueUrl=queue, Entries=handles)["Successful"]) == 2
    assert [span.kind for span in traced.finished].count(SpanKind.CONSUMER) == 2


def test_uninstrument_restores_everything(make_client: MakeClient, recording: Recording) -> None:
    names = ("send_message", "send_message_batch", "receive_message", "delete_message")
    instrumentor = LabanBoto3SQSInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    client = make_client()
    instrumentor.uninstrument()
    assert not any(hasattr(vars(type(client))[name], "__wrapped__") for name in names)
    assert not hasattr(Session.client, "__wrapped__")
