"""An OTLP/HTTP server that keeps the spans it receives, as any backend would."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


@dataclass(frozen=True)
class Received:
    """A received span, with the name of its service."""

    service: str
    name: str
    kind: int
    trace: bytes
    id: bytes
    parent: bytes
    status: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str
    links: tuple[tuple[bytes, bytes], ...] = ()
    """The trace and the span that each link names."""
    events: tuple[tuple[str, dict[str, Any]], ...] = ()
    """The name and the attributes of each event."""


class Sink:
    """The received spans and request bodies."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.spans: list[Received] = []
        self.bodies: list[bytes] = []
        self._arrival = threading.Condition()

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._arrival:
            self.bodies.append(body)
            self.spans.extend(_spans(request))
            self._arrival.notify_all()

    def wait_for(self, count: int, within: float = 30, scope: str = "") -> list[Received]:
        """Wait until this number of spans has arrived, of a scope that ends like this; returns all spans."""
        with self._arrival:
            complete = self._arrival.wait_for(
                lambda: sum(span.scope.endswith(scope) for span in self.spans) >= count, within
            )
            names = [f"{span.service}: {span.name}" for span in self.spans]
            assert complete, f"expected {count} spans, received: {names}"
            return list(self.spans)


@contextmanager
def sinking() -> Generator[Sink]:
    """A sink on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink = Sink(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spans(request: ExportTraceServiceRequest) -> Generator[Received]:
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield Received(
                    resource["service.name"],
                    span.name,
                    span.kind,
                    span.trace_id,
                    span.span_id,
                    span.parent_span_id,
                    span.status.code,
                    _attributes(span.attributes),
                    resource,
                    scope_spans.scope.name,
                    tuple((link.trace_id, link.span_id) for link in span.links),
                    tuple((event.name, _attributes(event.attributes)) for event in span.events),
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs if isinstance(pair, KeyValue)}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None
