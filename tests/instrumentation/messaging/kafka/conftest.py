"""Fixtures: instrumented kafka-python clients of the embedded broker; each test has its own topic."""

from collections.abc import Callable, Generator
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, KafkaProducer

from laban.messaging.kafka_python import LabanKafkaInstrumentor

from ...recording import Recording

MakeConsumer = Callable[..., KafkaConsumer]
Fill = Callable[..., str]


@pytest.fixture
def instrumented(recording: Recording) -> Generator[Recording]:
    instrumentor = LabanKafkaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    instrumentor.uninstrument()


@pytest.fixture
def topic() -> str:
    return f"order-{uuid4().hex[:8]}"


@pytest.fixture
def producer(embedded_broker: str, instrumented: Recording) -> Generator[KafkaProducer]:
    made = KafkaProducer(bootstrap_servers=embedded_broker, client_id="test-producer")
    yield made
    made.close()


@pytest.fixture
def filled(producer: KafkaProducer, topic: str, instrumented: Recording) -> Callable[[int], str]:
    """Sends records with the keys k0, k1 …, each in a span `request N`; returns the topic."""

    def fill(count: int) -> str:
        for index in range(count):
            with instrumented.tracer.start_as_current_span(f"request {index}"):
                producer.send(topic, value=b"v", key=b"k%d" % index, partition=0).get(10)
        return topic

    return fill


@pytest.fixture
def consumer(embedded_broker: str, instrumented: Recording) -> Generator[MakeConsumer]:
    """Creates consumers that read from the beginning, and stop after a second without records."""
    made: list[Any] = []

    def make(*topics: str, **options: Any) -> KafkaConsumer:
        options = {
            "consumer_timeout_ms": 1_000,
            "retry_backoff_ms": 10,  # with the default, the first record can take much longer
            "auto_offset_reset": "earliest",
        } | options
        options |= {"bootstrap_servers": embedded_broker, "client_id": "test-consumer"}
        made.append(KafkaConsumer(*topics, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()
