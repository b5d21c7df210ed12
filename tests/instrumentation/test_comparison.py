"""Compares upstream OpenTelemetry with laban, and generates docs/instrumentation-comparison.md.

`LABAN_WRITE_DOCS=1 ./run test tests/instrumentation/test_comparison.py` updates the document.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import httpx

from .otlp_sink import Received, sinking
from .processes import line_of, program, running, traced

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "instrumentation-comparison.md"
UNDER_UPSTREAM = [sys.executable, str(ROOT / "benchmarks" / "programs" / "with_upstream.py")]
UNUSED = "aio-pika,aiohttp-client,aiohttp-server,aiokafka,boto3,celery,confluent_kafka,nats,pika"
"""Libraries that no service here uses, but upstream imports."""
UPSTREAM_SPANS = 16
LABAN_SPANS = 9
CONSUMER, CLIENT, PRODUCER = 5, 3, 4

Rows = dict[str, Callable[[Sequence[Received]], str]]


def with_attributes(kind: int, *names: str) -> Callable[[Sequence[Received]], str]:
    """How many of the Kafka (or gRPC client) spans of this kind have all these attributes."""

    def count(spans: Sequence[Received]) -> str:
        system = "rpc.system" if kind == CLIENT else "messaging.system"
        own = [span for span in spans if span.kind == kind and system in span.attributes]
        return f"{sum(set(names) <= span.attributes.keys() for span in own)} of {len(own)}"

    return count


def _share(spans: Sequence[Received], name: str) -> str:
    return f"{sum(name in span.attributes for span in spans)} of {len(spans)}"


ROWS: Rows = {
    "traces for one order": lambda spans: str(len({span.trace for span in spans})),
    "spans without a parent": lambda spans: str(sum(not span.parent for span in spans)),
    "spans in total": lambda spans: str(len(spans)),
    "of these, spans for individual ASGI events": lambda spans: str(
        sum(span.name.endswith((" http send", " http receive")) for span in spans)
    ),
    "spans with the order ID": lambda spans: _share(spans, "order.id"),
    "spans with a correlation ID": lambda spans: _share(spans, "correlation.id"),
    "Kafka consumer spans with group and offset": with_attributes(
        CONSUMER, "messaging.consumer.group.name", "messaging.kafka.offset"
    ),
    "Kafka consumer spans with the message key": with_attributes(CONSUMER, "messaging.kafka.message.key"),
    "Kafka send spans with partition and offset": with_attributes(
        PRODUCER, "messaging.destination.partition.id", "messaging.kafka.offset"
    ),
    "gRPC client spans with the peer": with_attributes(CLIENT, "server.address"),
    "gRPC client spans with the caller's deadline": with_attributes(CLIENT, "laban.timeout_ms"),
}


def spans_of_one_order(bootstrap: str, count: int, *, upstream: bool) -> list[Received]:
    """Send one order through four services, and return all its spans."""
    topic = f"reserved-{uuid4().hex[:8]}"
    with sinking() as sink, ExitStack() as stack:

        def start(service: str, *arguments: str) -> str:
            command = traced(sink.endpoint, service, *program(service), *arguments)
            environment = {"OTEL_SERVICE_NAME": service, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint}
            if upstream:
                command = [*UNDER_UPSTREAM, *program(service)[1:], *arguments]
                environment |= {
                    "OTEL_BSP_SCHEDULE_DELAY": "200",
                    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": UNUSED,
                }
            return line_of(stack.enter_context(running(command, environment)), "ready")

        pricing = start("pricing", f"127.0.0.1:{start('stock', bootstrap, topic)}")
        edge = f"http://127.0.0.1:{start('order', f'http://127.0.0.1:{pricing}')}"
        start("mailer", bootstrap, topic, f"{edge}/mails")
        httpx.post(f"{edge}/orders", json={"order_id": "1001", "sku": "tea"}, timeout=30).raise_for_status()
        return sink.wait_for(count)


def document(upstream: Sequence[Received], laban: Sequence[Received]) -> str:
    """The text of the document."""
    lines = [f"| {name} | {value(upstream)} | {value(laban)} |" for name, value in ROWS.items()]
    return "\n".join(
        [
            "# OpenTelemetry's own instrumentations and laban, compared",
            "",
            "One order passes through four services that contain no tracing code: HTTP → FastAPI → httpx →",
            "FastAPI → gRPC → Kafka → kafka-python consumer → httpx → FastAPI. Both columns use the same",
            "programs and the same broker. Upstream means OpenTelemetry's Python instrumentations, version",
            f"{version('opentelemetry-instrumentation')}.",
            "`tests/instrumentation/test_comparison.py` generates this file and checks it.",
            "",
            "| | upstream | laban |",
            "|---|---:|---:|",
            *lines,
            "",
        ]
    )


def test_the_comparison_document_is_up_to_date(embedded_broker: str) -> None:
    upstream = spans_of_one_order(embedded_broker, UPSTREAM_SPANS, upstream=True)
    laban = spans_of_one_order(embedded_broker, LABAN_SPANS, upstream=False)
    written = document(upstream, laban)
    if os.environ.get("LABAN_WRITE_DOCS"):
        DOCUMENT.write_text(written, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == written
