"""Options and hooks of upstream's FastAPI instrumentation work with laban's patches."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
from fastapi import FastAPI, Response, WebSocket
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.trace import Span, SpanKind

from laban.business_keys.key_rules import KeyRules
from laban.http import asgi

from ..recording import Recording

Serve = Callable[..., TestClient]


@pytest.fixture
def serve(recording: Recording, rules: KeyRules) -> Generator[Serve]:
    """Creates an instrumented application with upstream's options, and returns a client for it."""
    asgi.install(rules)
    made: list[FastAPI] = []

    def instrumented(**options: Any) -> TestClient:
        application = shop()
        FastAPIInstrumentor.instrument_app(application, tracer_provider=recording.provider, **options)
        made.append(application)
        return TestClient(application)

    yield instrumented
    for application in made:
        FastAPIInstrumentor.uninstrument_app(application)
    asgi.uninstall()


def shop() -> FastAPI:
    application = FastAPI()

    @application.get("/orders/{order_id}")
    def show(order_id: str) -> Response:
        return Response(order_id, headers={"x-shard": "7"})

    @application.websocket("/watch")
    async def watch(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    return application


def test_a_server_records_configured_headers_and_redacts_secret_ones(
    serve: Serve, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"
    monkeypatch.setenv(f"{prefix}_SERVER_REQUEST", "x-tenant,authorization")
    monkeypatch.setenv(f"{prefix}_SERVER_RESPONSE", "x-shard")
    monkeypatch.setenv(f"{prefix}_SANITIZE_FIELDS", "authorization")
    serve().get("/orders/1", headers={"x-tenant": "blue", "authorization": "Bearer secret"})
    (span,) = recording.of_kind(SpanKind.SERVER)
    shown = {key: value for key, value in span.attributes.items() if ".header." in key}
    assert shown == {
        "http.request.header.x_tenant": ("blue",),
        "http.request.header.authorization": ("[REDACTED]",),
        "http.response.header.x_shard": ("7",),
    }


def test_a_server_records_metrics(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_METRICS_EXPORTER", raising=False)
    reader = InMemoryMetricReader()
    serve(meter_provider=MeterProvider([reader])).get("/orders/1")
    data = reader.get_metrics_data()
    assert isinstance(data, MetricsData)
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    (duration,) = [metric for metric in scope.metrics if "duration" in metric.name]
    (point,) = duration.data.data_points
    assert point.count == 1  # type: ignore[union-attr]


def test_a_web_socket_is_one_span(serve: Serve, recording: Recording) -> None:
    with serve().websocket_connect("/watch") as socket:
        socket.send_text("123")
        assert socket.receive_text() == "123"
    (span,) = recording.finished
    assert (span.kind, span.attributes["http.route"]) == (SpanKind.SERVER, "/watch")


def test_excluded_urls_have_no_span_and_hooks_are_called(serve: Serve, recording: Recording) -> None:
    heard: list[tuple[str, str]] = []

    def hear(_: Span, scope: dict[str, Any]) -> None:
        heard.append((scope["method"], scope["path"]))

    client = serve(excluded_urls="orders/7", server_request_hook=hear)
    assert client.get("/orders/7").text == "7"
    assert not recording.finished
    client.get("/orders/8")
    assert heard == [("GET", "/orders/8")]
