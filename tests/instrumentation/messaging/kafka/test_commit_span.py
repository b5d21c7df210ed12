"""Commit spans: off by default, and no effect on other spans."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import aiokafka
import confluent_kafka
import kafka
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from laban.messaging.aiokafka.instrumentor import LabanAiokafkaInstrumentor
from laban.messaging.confluent_kafka.instrumentor import LabanConfluentKafkaInstrumentor
from laban.messaging.kafka_python import LabanKafkaInstrumentor

from ...recording import EndedSpan, Recording

Commit = Callable[[str, str, str], None]


# An assigned partition needs no rebalance.
def with_kafka_python(broker: str, topic: str, group: str) -> None:
    with kafka.KafkaConsumer(
        bootstrap_servers=broker,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    ) as consumer:
        consumer.assign([kafka.TopicPartition(topic, 0)])
        next(consumer)
        consumer.commit()


def with_aiokafka(broker: str, topic: str, group: str) -> None:
    async def run() -> None:
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=broker, group_id=group, auto_offset_reset="earliest"
        )
        await consumer.start()
        consumer.assign([aiokafka.TopicPartition(topic, 0)])
        await consumer.getone()
        await consumer.commit()
        await consumer.stop()

    asyncio.run(run())


def with_confluent_kafka(broker: str, topic: str, group: str) -> None:
    config = {"bootstrap.servers": broker, "group.id": group, "auto.offset.reset": "earliest"}
    consumer: Any = confluent_kafka.Consumer(config | {"enable.auto.commit": "false"})
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    assert consumer.poll(20) is not None
    consumer.commit(offsets=[confluent_kafka.TopicPartition(topic, 0, 1)], asynchronous=False)
    consumer.close()


CLIENTS = [
    (LabanKafkaInstrumentor, with_kafka_python),
    (LabanAiokafkaInstrumentor, with_aiokafka),
    (LabanConfluentKafkaInstrumentor, with_confluent_kafka),
]


def commits(
    recording: Recording, instrumentor: Any, commit: Commit, broker: str, group: str
) -> tuple[list[EndedSpan], list[EndedSpan]]:
    """The commit spans and the process spans."""
    topic = f"settle-{uuid4().hex[:8]}"
    with kafka.KafkaProducer(bootstrap_servers=broker) as producer:
        producer.send(topic, b"v", partition=0).get(20)
    instrumentor.instrument(tracer_provider=recording.provider)
    try:
        commit(broker, topic, group)
    finally:
        instrumentor.uninstrument()
    return recording.of_kind(SpanKind.CLIENT), recording.of_kind(SpanKind.CONSUMER)


@pytest.mark.parametrize(("instrumentor", "commit"), CLIENTS)
def test_with_commit_spans_a_commit_has_a_span_inside_the_process_span(
    recording: Recording,
    embedded_broker: str,
    monkeypatch: pytest.MonkeyPatch,
    instrumentor: Callable[[], Any],
    commit: Commit,
) -> None:
    monkeypatch.setenv("LABAN_COMMIT_SPANS", "1")
    group = f"group-{uuid4().hex[:8]}"
    [[span], [processed]] = commits(recording, instrumentor(), commit, embedded_broker, group)
    assert (span.name, span.parent, span.status) == (f"commit {group}", processed.id, StatusCode.UNSET)
    assert span.attributes["messaging.operation.type"] == "settle"
    assert span.attributes["messaging.operation.name"] == "commit"
    assert span.attributes["messaging.consumer.group.name"] == group


@pytest.mark.parametrize(("instrumentor", "commit"), CLIENTS)
def test_a_commit_has_no_span_by_default(
    recording: Recording, embedded_broker: str, instrumentor: Callable[[], Any], commit: Commit
) -> None:
    settled, processed = commits(
        recording, instrumentor(), commit, embedded_broker, f"group-{uuid4().hex[:8]}"
    )
    assert (len(settled), len(processed)) == (0, 1)


def test_a_commit_that_fails_is_an_error_and_still_raises(
    recording: Recording, embedded_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABAN_COMMIT_SPANS", "1")
    instrumentor = LabanKafkaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    try:
        consumer = kafka.KafkaConsumer(bootstrap_servers=embedded_broker, group_id=None)
        with consumer, pytest.raises(Exception, match="group_id"):
            consumer.commit()
    finally:
        instrumentor.uninstrument()
    span = recording.one("commit")
    assert span.status is StatusCode.ERROR
    assert span.exceptions
