"""One trace through real processes and a real broker, in programs without tracing code.

HTTP → FastAPI → httpx → FastAPI → gRPC → Kafka → consumer → httpx → FastAPI: one trace, span by span.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import grpc
import httpx
import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from .otlp_sink import Received, Sink, sinking
from .processes import line_of, program, running, traced

CHAIN = [
    ("order", "POST /orders"),
    ("order", "GET"),
    ("pricing", "GET /prices/{sku}"),
    ("pricing", "/shop.Stock/Reserve"),
    ("stock", "/shop.Stock/Reserve"),
    ("stock", "send TOPIC"),
    ("mailer", "process TOPIC"),
    ("mailer", "POST"),
    ("order", "POST /mails"),
]
"""Service and span; each span is the parent of the next."""

Start = Callable[..., str]


@pytest.fixture
def sink() -> Generator[Sink]:
    with sinking() as collecting:
        yield collecting


@pytest.fixture
def start(sink: Sink) -> Generator[Start]:
    """Starts a traced program; returns what it prints when it is ready."""
    with ExitStack() as stack:

        def start_one(service: str, *arguments: str) -> str:
            command = traced(sink.endpoint, service, *program(service), *arguments)
            return line_of(stack.enter_context(running(command)), "ready")

        yield start_one


def path_to_root(span: Received, spans: list[Received]) -> list[Received]:
    by_id = {each.id: each for each in spans}
    path = [span]
    while path[0].parent:
        path.insert(0, by_id[path[0].parent])
    return path


def test_one_order_is_one_trace_over_http_grpc_and_kafka(
    sink: Sink, start: Start, embedded_broker: str
) -> None:
    topic = f"reserved-{uuid4().hex[:8]}"
    stock = start("stock", embedded_broker, topic)
    pricing = start("pricing", f"127.0.0.1:{stock}")
    edge = f"http://127.0.0.1:{start('order', f'http://127.0.0.1:{pricing}')}"
    start("mailer", embedded_broker, topic, f"{edge}/mails")

    assert httpx.get(f"{edge}/healthz").json() == "ok"
    answer = httpx.post(f"{edge}/orders", json={"order_id": "1001", "sku": "tea"}, timeout=30)
    assert answer.json() == {"price": 42}
    spans = sink.wait_for(len(CHAIN))
    (last,) = (span for span in spans if span.name == "POST /mails")
    path = path_to_root(last, spans)
    assert [(span.service, span.name.replace(topic, "TOPIC")) for span in path] == CHAIN
    assert len(spans) == len(CHAIN)
    assert {span.trace for span in spans} == {last.trace}
    assert {span.attributes["order.id"] for span in spans} == {"1001"}
    assert {span.attributes["correlation.id"] for span in spans} == {answer.headers["X-Correlation-ID"]}


CLIENTS = [
    ("stock", "/shop.Stock/Reserve"),
    ("stock", "send RESERVED"),
    ("shipping", "process RESERVED"),
    ("shipping", "send SHIPPED"),
    ("invoicing", "process SHIPPED"),
    ("invoicing", "send INVOICED"),
    ("mailer", "process INVOICED"),
    ("mailer", "POST"),
    ("order", "POST /mails"),
]
"""Through kafka-python, aiokafka and confluent-kafka."""


def test_one_reservation_is_one_trace_over_all_kafka_clients(
    sink: Sink, start: Start, embedded_broker: str
) -> None:
    run = uuid4().hex[:8]
    topics = {name: f"{name.lower()}-{run}" for name in ("RESERVED", "SHIPPED", "INVOICED")}
    # Create the topics first: confluent-kafka looks for new topics only every few minutes.
    with KafkaAdminClient(bootstrap_servers=embedded_broker) as admin:
        admin.create_topics([NewTopic(topic, 1, 1) for topic in topics.values()])
    stock = start("stock", embedded_broker, topics["RESERVED"])
    edge = f"http://127.0.0.1:{start('order', 'http://127.0.0.1:1')}"
    start("shipping", embedded_broker, topics["RESERVED"], topics["SHIPPED"])
    start("invoicing", embedded_broker, topics["SHIPPED"], topics["INVOICED"])
    start("mailer", embedded_broker, topics["INVOICED"], f"{edge}/mails")

    with grpc.insecure_channel(f"127.0.0.1:{stock}") as channel:
        reserve: Any = channel.unary_unary("/shop.Stock/Reserve")
        assert reserve(b"tea", timeout=10) == b"42"
    spans = sink.wait_for(len(CLIENTS))
    (last,) = (span for span in spans if span.name == "POST /mails")
    path = path_to_root(last, spans)
    named = {topic: name for name, topic in topics.items()}
    found = [
        (span.service, " ".join(named.get(word, word) for word in span.name.split(" "))) for span in path
    ]
    assert found == CLIENTS
    assert len(spans) == len(CLIENTS)
    assert {span.trace for span in spans} == {last.trace}
