"""The same services under stock OpenTelemetry and under laban: docs/instrumentation-comparison.md.

`LABAN_WRITE_DOCS=1 ./run test tests/instrumentation/test_comparison.py` writes it anew.
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
UNDER_STOCK = [sys.executable, str(ROOT / "benchmarks" / "programs" / "with_upstream.py")]
UNUSED = "aio-pika,aiohttp-client,aiohttp-server,aiokafka,boto3,celery,confluent_kafka,nats,pika"
"""What no service here uses, and stock imports all the same."""
STOCK_SPANS = 16
LABAN_SPANS = 9
CONSUMER, CLIENT, PRODUCER = 5, 3, 4

Rows = dict[str, Callable[[Sequence[Received]], str]]


def with_attributes(kind: int, *names: str) -> Callable[[Sequence[Received]], str]:
    """Of the spans of a kind that are Kafka's (or gRPC's), how many have all these attributes."""

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
    "spans in all": lambda spans: str(len(spans)),
    "of these, spans for single ASGI events": lambda spans: str(
        sum(span.name.endswith((" http send", " http receive")) for span in spans)
    ),
    "spans that carry the order's id": lambda spans: _share(spans, "order.id"),
    "spans that carry a correlation id": lambda spans: _share(spans, "correlation.id"),
    "Kafka consumer spans with group and offset": with_attributes(
        CONSUMER, "messaging.consumer.group.name", "messaging.kafka.offset"
    ),
    "Kafka consumer spans with the message key": with_attributes(CONSUMER, "messaging.kafka.message.key"),
    "Kafka send spans with partition and offset": with_attributes(
        PRODUCER, "messaging.destination.partition.id", "messaging.kafka.offset"
    ),
    "gRPC client spans that name their peer": with_attributes(CLIENT, "server.address"),
    "gRPC client spans with the caller's deadline": with_attributes(CLIENT, "laban.timeout_ms"),
}


def one_order(bootstrap: str, count: int, *, stock: bool) -> list[Received]:
    """Send one order through four services; all spans of it."""
    topic = f"reserved-{uuid4().hex[:8]}"
    with sinking() as sink, ExitStack() as stack:

        def start(service: str, *arguments: str) -> str:
            command = traced(sink.endpoint, service, *program(service), *arguments)
            environment = {"OTEL_SERVICE_NAME": service, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint}
            if stock:
                command = [*UNDER_STOCK, *program(service)[1:], *arguments]
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


def document(stock: Sequence[Received], laban: Sequence[Received]) -> str:
    """The whole document."""
    lines = [f"| {name} | {value(stock)} | {value(laban)} |" for name, value in ROWS.items()]
    return "\n".join(
        [
            "# Stock instrumentations and laban, side by side",
            "",
            "One order through four services that know nothing of tracing: HTTP → FastAPI → httpx →",
            "FastAPI → gRPC → Kafka → kafka-python consumer → httpx → FastAPI. Both columns are the same",
            "programs on the same broker. Stock is OpenTelemetry's Python instrumentations, version",
            f"{version('opentelemetry-instrumentation')}.",
            "This file is written by `tests/instrumentation/test_comparison.py`, which also checks it.",
            "",
            "| | stock | laban |",
            "|---|---:|---:|",
            *lines,
            "",
        ]
    )


def test_the_table_of_the_documents_is_what_happens(embedded_broker: str) -> None:
    stock = one_order(embedded_broker, STOCK_SPANS, stock=True)
    laban = one_order(embedded_broker, LABAN_SPANS, stock=False)
    written = document(stock, laban)
    if os.environ.get("LABAN_WRITE_DOCS"):
        DOCUMENT.write_text(written, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == written
