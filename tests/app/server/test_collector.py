"""The whole collector: official exporters send to it, and a process with it is killed."""

import asyncio
import itertools
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from laban_app.server.collector import Collector, Endpoints
from laban_collector.address import Address
from laban_collector.errors import AddressInUse
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import LagRow

from ...broker import free_port
from ...collector.log_watch import LogWatch
from ...collector.requests import body, request, span
from ...collector.running import running_collector, settings
from ...collector.shop import Shop

PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture
def spans() -> list[ReadableSpan]:
    """A producer span and a linked consumer span, with every field that a span can have."""
    memory = InMemorySpanExporter()
    resource = Resource({"service.name": "order", "service.version": "1.2", "service.instance.id": "a"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests", "0.1", attributes={"scope": True})
    attributes: dict[str, Any] = {
        "order_id": "123",
        "http.response.status_code": 201,
        "text": "☃",
        "yes": True,
        "large": 2**62,
        "float": 0.5,
        "texts": ["a", "b"],
        "numbers": [1, 2],
    }
    with tracer.start_as_current_span("send orders", kind=SpanKind.PRODUCER, attributes=attributes) as sent:
        sent.add_event("note", {"n": 1}, timestamp=1_795_000_000_000_000_123)
        link = Link(sent.get_span_context(), {"why": "message"})
        with tracer.start_as_current_span(
            "process orders", kind=SpanKind.CONSUMER, links=[link]
        ) as processed:
            processed.record_exception(ValueError("boom"))
            processed.set_status(Status(StatusCode.ERROR, "failed"))
    return list(memory.get_finished_spans())


@pytest.fixture
def endpoints(database: Database) -> Generator[Endpoints, None, None]:
    with running_collector(database) as running:
        yield running


def exporter_of(kind: str, endpoints: Endpoints) -> SpanExporter:
    match kind:
        case "grpc":
            return GrpcExporter(endpoints.grpc, insecure=True)
        case "grpc-gzip":
            return GrpcExporter(endpoints.grpc, insecure=True, compression=grpc.Compression.Gzip)
        case _:
            compression = Compression.Gzip if kind == "http-gzip" else Compression.NoCompression
            return HttpExporter(f"http://{endpoints.http}/v1/traces", compression=compression)


def rows(database: Database, query: str) -> list[dict[str, Any]]:
    with database.reading() as cursor:
        result = cursor.execute(query)
        names = [name for name, *_ in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def count(database: Database) -> int:
    return int(rows(database, "SELECT count(*) AS n FROM spans")[0]["n"])


@pytest.mark.parametrize("kind", ["grpc", "grpc-gzip", "http", "http-gzip"])
def test_spans_of_an_official_exporter_are_stored_completely(
    database: Database, endpoints: Endpoints, spans: list[ReadableSpan], kind: str
) -> None:
    exporter = exporter_of(kind, endpoints)
    assert exporter.export(spans) == SpanExportResult.SUCCESS
    exporter.shutdown()
    query = """
        SELECT s.*, epoch_ns(start) AS start_ns, r.* EXCLUDE attributes, r.attributes AS resource,
            c.name AS scope, c.version AS scope_version, c.attributes AS scope_attributes
        FROM spans s JOIN resources r USING (resource_id) JOIN scopes c USING (scope_id) ORDER BY s.kind"""
    sent_row, processed_row = rows(database, query)
    processed, sent = spans
    for row, original in ((sent_row, sent), (processed_row, processed)):
        assert_same(row, original)
    assert json.loads(sent_row["attributes"]) == {
        "order_id": "123",
        "text": "☃",
        "yes": True,
        "large": 2**62,
        "float": 0.5,
        "texts": ["a", "b"],
        "numbers": [1, 2],
    }
    assert sent_row["http_status"] == 201
    assert processed_row["parent_id"] == sent_row["span_id"]
    assert (processed_row["status"], processed_row["status_message"]) == (2, "failed")
    assert_events_and_links(database, sent_row, processed_row)
    [correlation] = rows(database, "SELECT key, value FROM correlations")
    assert correlation == {"key": "order.id", "value": "123"}


def assert_same(row: dict[str, Any], original: ReadableSpan) -> None:
    context = original.get_span_context()
    assert context is not None
    assert (row["trace_hi"] << 64) + row["trace_lo"] == context.trace_id
    assert row["span_id"] == context.span_id
    assert row["name"] == original.name
    assert original.start_time is not None
    assert (row["start_ns"], row["start_ns"] + row["duration"]) == (original.start_time, original.end_time)
    assert (row["service"], row["version"], row["instance"]) == ("order", "1.2", "a")
    assert json.loads(row["resource"]) == dict(original.resource.attributes)
    assert (row["scope"], row["scope_version"]) == ("tests", "0.1")
    assert json.loads(row["scope_attributes"]) == {"scope": True}


def assert_events_and_links(database: Database, sent: dict[str, Any], processed: dict[str, Any]) -> None:
    note, exception = rows(database, "SELECT *, epoch_ns(time) AS ns FROM span_events ORDER BY name DESC")
    assert (note["span_id"], note["name"], note["ns"], note["attributes"]) == (
        sent["span_id"],
        "note",
        1_795_000_000_000_000_123,
        '{"n":1}',
    )
    assert (exception["span_id"], exception["name"]) == (processed["span_id"], "exception")
    assert json.loads(exception["attributes"])["exception.message"] == "boom"
    [link] = rows(database, "FROM span_links")
    assert (link["span_id"], link["linked_span_id"]) == (processed["span_id"], sent["span_id"])
    assert (link["linked_trace_hi"], link["linked_trace_lo"]) == (sent["trace_hi"], sent["trace_lo"])
    assert link["attributes"] == '{"why":"message"}'


def test_a_request_sent_twice_over_both_protocols_is_stored_once(
    database: Database, endpoints: Endpoints, spans: list[ReadableSpan]
) -> None:
    for kind in ("grpc", "http", "grpc"):
        exporter = exporter_of(kind, endpoints)
        assert exporter.export(spans) == SpanExportResult.SUCCESS
        exporter.shutdown()
    assert count(database) == 2


def test_a_bad_request_does_not_affect_others(database: Database, endpoints: Endpoints) -> None:
    url = f"http://{endpoints.http}/v1/traces"
    statuses = [
        httpx.post(url, content=content, headers=PROTOBUF).status_code
        for content in (body(span(0)), b"\xff\xff", body(span(1)))
    ]
    assert statuses == [200, 400, 200]
    assert count(database) == 2


def test_configured_rules_are_applied(database: Database) -> None:
    attributes = {"messaging.destination.name": "orders", "messaging.kafka.message.key": "123"}
    with running_collector(database, keys="order.id=kafka.key:orders*") as endpoints:
        url = f"http://{endpoints.http}/v1/traces"
        httpx.post(url, content=body(span(0, attributes)), headers=PROTOBUF).raise_for_status()
    assert rows(database, "SELECT key, value FROM correlations") == [{"key": "order.id", "value": "123"}]


@pytest.mark.parametrize(("asked", "namespace"), [("true", "prod"), ("false", None)])
def test_the_namespace_of_kubernetes_is_taken_if_asked(
    database: Database, asked: str, namespace: str | None
) -> None:
    resource = {"service.name": "api", "k8s.namespace.name": "prod"}
    sent = request(span(0), resource=resource).SerializeToString()
    with running_collector(database, k8s_namespaces=asked) as endpoints:
        url = f"http://{endpoints.http}/v1/traces"
        httpx.post(url, content=sent, headers=PROTOBUF).raise_for_status()
    assert rows(database, "SELECT namespace FROM resources") == [{"namespace": namespace}]


def test_the_lag_of_a_real_broker_is_stored(
    database: Database, embedded_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(embedded_broker)
    shop.commit(0)
    polled = threading.Event()
    write_lag = DuckDBWriter.write_lag

    def write_and_tell(writer: DuckDBWriter, lag: Sequence[LagRow]) -> None:
        write_lag(writer, lag)
        polled.set()

    monkeypatch.setattr(DuckDBWriter, "write_lag", write_and_tell)
    with running_collector(database, kafka=embedded_broker):
        assert polled.wait(30)
    stored = rows(database, "SELECT consumer_group, topic, partition, messages, status FROM lag")
    expected = {"consumer_group": shop.group, "topic": shop.topic, "partition": 0}
    assert expected | {"messages": 0, "status": "OK"} in stored


def test_a_cluster_that_is_down_costs_only_itself(
    database: Database,
    embedded_broker: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = Shop(embedded_broker)
    shop.commit(0)
    polls: queue.SimpleQueue[set[str]] = queue.SimpleQueue()
    write_lag = DuckDBWriter.write_lag

    def write_and_tell(writer: DuckDBWriter, lag: Sequence[LagRow]) -> None:
        write_lag(writer, lag)
        polls.put({row.cluster for row in lag})

    monkeypatch.setattr(DuckDBWriter, "write_lag", write_and_tell)
    clusters = {
        "prod": {"bootstrap": embedded_broker, "groups": shop.group},
        "test": {"bootstrap": embedded_broker, "groups": shop.group, "topics_not": "nothing"},
        "down": {"bootstrap": f"127.0.0.1:{free_port()}"},
    }
    with (
        LogWatch("does not respond") as outage,
        running_collector(database, kafka=clusters, lag_interval=0.1),
    ):
        assert outage.seen.wait(30)
        seen: set[str] = set()
        while seen != {"prod", "test"}:
            seen |= polls.get(timeout=30)
    stored = rows(database, "SELECT DISTINCT cluster, consumer_group FROM lag ORDER BY cluster")
    assert stored == [{"cluster": name, "consumer_group": shop.group} for name in ("prod", "test")]
    lines = [record.getMessage() for record in caplog.records if "Kafka" in record.getMessage()]
    assert [line.startswith("Kafka down at 127.0.0.1:") for line in lines] == [True]


def test_a_port_in_use_leaves_nothing_running(database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = str(Address(*taken.getsockname()))
        with pytest.raises(AddressInUse, match="--otlp-http"):
            asyncio.run(Collector(settings(otlp_http=address), DuckDBStore(database)).start())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("laban")]


def test_a_collector_can_be_started_again_on_the_same_database(database: Database) -> None:
    for number in range(2):
        with running_collector(database) as endpoints:
            url = f"http://{endpoints.http}/v1/traces"
            httpx.post(url, content=body(span(number)), headers=PROTOBUF).raise_for_status()
    assert count(database) == 2
    assert rows(database, "SELECT arrival FROM ledger ORDER BY arrival") == [{"arrival": 1}, {"arrival": 2}]


def test_concurrent_senders_lose_no_spans(database: Database, endpoints: Endpoints) -> None:
    url = f"http://{endpoints.http}/v1/traces"

    def send(sender: int) -> None:
        with httpx.Client() as client:
            for number in range(sender * 20, sender * 20 + 20):
                client.post(url, content=body(span(number)), headers=PROTOBUF).raise_for_status()

    with ThreadPoolExecutor(8) as senders:
        list(senders.map(send, range(8)))
    assert count(database) == 160
    [ledger] = rows(database, "SELECT sum(spans)::INTEGER AS spans, count(*) AS commits FROM ledger")
    assert ledger["spans"] == 160
    assert ledger["commits"] < 160


def test_acknowledged_spans_survive_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "killed.duckdb"
    script = Path(__file__).with_name("lone_collector.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = f"http://{process.stdout.readline().strip()}/v1/traces"
        acknowledged = send_until_killed(url, process, after=60)
    assert process.returncode == -signal.SIGKILL
    with Database.open(path) as database, running_collector(database):
        stored = {row["name"] for row in rows(database, "SELECT name FROM spans")}
    assert len(acknowledged) >= 60
    assert acknowledged <= stored


def send_until_killed(url: str, process: subprocess.Popen[str], after: int) -> set[str]:
    """Send from four threads, kill the collector meanwhile, and return the acknowledged names."""
    acknowledged: set[str] = set()

    def send(sender: int) -> None:
        with httpx.Client() as client, suppress(httpx.TransportError):
            for number in itertools.count(sender, 4):
                answer = client.post(url, content=body(span(number)), headers=PROTOBUF)
                answer.raise_for_status()
                acknowledged.add(f"span {number}")
                if len(acknowledged) >= after:
                    process.kill()

    with ThreadPoolExecutor(4) as senders:
        list(senders.map(send, range(4)))
    return acknowledged
