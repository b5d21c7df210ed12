"""Official exporters send to a collector with a token and TLS."""

from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from laban_app.server.collector import Endpoints
from laban_collector.store.duckdb.connection.database import Database

from ...collector.certificates import make_identity
from ...collector.running import running_collector

TOKEN = "correct-horse"


class Secured(NamedTuple):
    """A collector, its database, and its certificate."""

    endpoints: Endpoints
    database: Database
    certificate: Path

    def exporter(self, protocol: str, token: str) -> SpanExporter:
        """An official exporter, configured as its users configure it."""
        headers = {"authorization": f"Bearer {token}"}
        if protocol == "http":
            return HttpExporter(
                f"https://{self.endpoints.http}/v1/traces", str(self.certificate), headers=headers, timeout=2
            )
        pem = self.certificate.read_bytes()
        return GrpcExporter(
            f"https://{self.endpoints.grpc}",
            credentials=grpc.ssl_channel_credentials(pem),
            headers=headers,
            timeout=2,
        )

    def names(self) -> list[str]:
        """The names of the stored spans."""
        with self.database.reading() as cursor:
            return [name for (name,) in cursor.execute("SELECT name FROM spans ORDER BY name").fetchall()]


@pytest.fixture
def secured(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Secured, None, None]:
    # `requests`, which the HTTP exporter uses, prefers these files to the configured certificate.
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    certificate, key = make_identity(tmp_path)
    with running_collector(database, token=TOKEN, tls_certificate=certificate, tls_key=key) as endpoints:
        yield Secured(endpoints, database, certificate)


def send(exporter: SpanExporter, name: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("tests").start_span(name).end()
    provider.shutdown()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_spans_of_an_official_exporter_with_the_token_are_stored(secured: Secured, protocol: str) -> None:
    send(secured.exporter(protocol, TOKEN), protocol)
    send(secured.exporter(protocol, "wrong-horse"), "stranger")
    assert secured.names() == [protocol]


def test_secrets_in_spans_are_not_stored(secured: Secured) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(secured.exporter("http", TOKEN)))
    span = provider.get_tracer("tests").start_span("login")
    span.set_attribute("http.request.header.authorization", ["Bearer hunter2hunter2hunter2"])
    span.add_event("typed", {"password": "hunter2"})
    span.end()
    provider.shutdown()
    with secured.database.reading() as cursor:
        stored = cursor.execute(
            "SELECT spans.attributes, span_events.attributes FROM spans JOIN span_events USING (span_id)"
        ).fetchall()
    assert "hunter2" not in str(stored)
    assert str(stored).count("[redacted]") == 2
