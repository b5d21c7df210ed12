"""OTLP logs over gRPC and HTTP, on a collector with its database."""

import gzip
from collections.abc import Generator
from pathlib import Path

import grpc
import httpx
import pytest
import zstandard
from google.protobuf import json_format
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from laban_app.server.collector import Endpoints
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader

from ...serving import serving
from ..log_requests import json_log_body, json_record, log_body, record
from ..requests import TRACE_ID, body, span
from ..running import running_collector

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
ELEMENTS = 2_000


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Generator[Database, None, None]:
    path: Path = tmp_path_factory.mktemp("logs") / "spans.duckdb"
    with Database.open(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def collector(database: Database) -> Generator[Endpoints, None, None]:
    with running_collector(database, logs=True, max_elements=ELEMENTS, max_request_bytes=50_000) as endpoints:
        yield endpoints


def trace(number: int) -> bytes:
    return TRACE_ID[:-1] + bytes([number])


def stored(database: Database, number: int) -> list[str | None]:
    return [line.body for line in DuckDBReader(database).logs_of([trace(number).hex()], 10)]


def post(collector: Endpoints, sent: bytes, content_type: str = PROTOBUF, **headers: str) -> httpx.Response:
    given = {"content-type": content_type, **headers}
    return httpx.post(f"http://{collector.http}/v1/logs", content=sent, headers=given)


def call(collector: Endpoints, sent: bytes, method: str = EXPORT) -> ExportLogsServiceResponse:
    with grpc.insecure_channel(collector.grpc) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        return ExportLogsServiceResponse.FromString(export(sent, timeout=10))


def test_records_are_on_disk_when_they_are_acknowledged(collector: Endpoints, database: Database) -> None:
    assert call(collector, log_body(record("grpc", trace_id=trace(1)))) == ExportLogsServiceResponse()
    http = post(collector, log_body(record("http", trace_id=trace(1))))
    assert (http.status_code, http.content) == (200, b"")
    sent = json_log_body(json_record(traceId=trace(1).hex(), body={"stringValue": "json"}))
    assert post(collector, sent, JSON).json() == {}
    assert sorted(stored(database, 1), key=str) == ["grpc", "http", "json"]


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_bodies_may_be_compressed(
    collector: Endpoints, database: Database, encoding: str, compress: "type[bytes]"
) -> None:
    sent = compress(log_body(record(encoding, trace_id=trace(2))))
    assert post(collector, sent, **{"content-encoding": encoding}).status_code == 200
    assert encoding in stored(database, 2)


def test_records_without_a_trace_are_a_partial_success(collector: Endpoints, database: Database) -> None:
    sent = log_body(record("kept", trace_id=trace(3)), record(trace_id=b""), record(trace_id=b""))
    partial = call(collector, sent).partial_success
    assert partial.rejected_log_records == 2
    assert partial.error_message == (
        "2 log record(s) rejected: no trace id: laban stores only the logs of traces"
    )
    answer = post(collector, json_log_body(json_record(traceId="")), JSON)
    response = json_format.Parse(answer.text, ExportLogsServiceResponse())
    assert (answer.status_code, response.partial_success.rejected_log_records) == (200, 1)
    assert stored(database, 3) == ["kept"]


@pytest.mark.parametrize(
    ("sent", "content_type", "status"),
    [
        (b"\xff", PROTOBUF, 400),
        (b"{", JSON, 400),
        (b" " * 50_001, JSON, 413),
        (b"", "text/plain", 415),
    ],
)
def test_bad_requests_are_refused(collector: Endpoints, sent: bytes, content_type: str, status: int) -> None:
    answer = post(collector, sent, content_type)
    assert answer.status_code == status


def test_a_request_with_too_many_records_is_refused(collector: Endpoints) -> None:
    sent = b"\x0a\x00" * (ELEMENTS + 1)
    answer = post(collector, sent)
    assert answer.status_code == 413


def test_spans_are_stored_beside_logs(collector: Endpoints, database: Database) -> None:
    headers = {"content-type": PROTOBUF}
    sent = httpx.post(f"http://{collector.http}/v1/traces", content=body(span()), headers=headers)
    assert sent.status_code == 200
    assert DuckDBReader(database).contents().spans == 1


def test_the_official_exporter_is_understood(collector: Endpoints, database: Database) -> None:
    exporter = OTLPLogExporter(endpoint=f"http://{collector.http}/v1/logs", compression=Compression.Gzip)
    provider = LoggerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    context = SpanContext(int.from_bytes(trace(4)), 0xAB, is_remote=False, trace_flags=TraceFlags(1))
    try:
        with use_span(NonRecordingSpan(context)):
            provider.get_logger("tests.logs").emit(
                LogRecord(
                    severity_number=SeverityNumber.ERROR,
                    body="card of c-7 was declined",
                    attributes={"password": "hunter2"},
                )
            )
    finally:
        provider.shutdown()
    [line] = DuckDBReader(database).logs_of([trace(4).hex()], 10)
    assert (line.body, line.severity, line.service) == ("card of c-7 was declined", 17, "shop")
    assert (line.span_id, line.logger) == ("ab".zfill(16), "tests.logs")
    assert line.attributes == {"password": "[redacted]"}


def test_metrics_are_still_refused(collector: Endpoints) -> None:
    with pytest.raises(grpc.RpcError, match="laban stores traces and their logs only; send metrics"):
        call(collector, b"", METRICS)
    answer = httpx.post(f"http://{collector.http}/v1/metrics", content=b"")
    assert answer.status_code == 404
    assert "send metrics to another backend" in answer.text


def test_logs_are_refused_unless_they_are_wanted(tmp_path: Path) -> None:
    with (
        Database.open(tmp_path / "spans.duckdb") as database,
        running_collector(database) as collector,
    ):
        answer = post(collector, log_body(record()))
        assert answer.status_code == 404
        assert b"LABAN_LOGS=true makes it store the logs of traces" in answer.content
        with pytest.raises(grpc.RpcError, match="LABAN_LOGS=true"):
            call(collector, log_body(record()))
        assert DuckDBReader(database).logs_of([TRACE_ID.hex()], 5) == []


def test_acknowledged_records_survive_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path / "spans.duckdb", environment={"LABAN_LOGS": "true"}) as running:
        sent = log_body(record("before the kill"))
        answer = httpx.post(
            f"http://{running.http}/v1/logs", content=sent, headers={"content-type": PROTOBUF}
        )
        assert answer.status_code == 200
        running.process.kill()
        running.process.wait(20)
    with Database.open(tmp_path / "spans.duckdb") as database:
        [line] = DuckDBReader(database).logs_of([TRACE_ID.hex()], 5)
    assert line.body == "before the kill"
