"""Measures what a sender of very many distinct values costs the collector, and another sender.

`./run bench distinct [--values 100K] [--only services] [--publish]` sends values of each kind, every one
once, while another sender sends ten spans every 50 ms. Then it asks for the map and draws a diagram.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload import report, servers

_REQUEST: Final = 4_000
"""Values in a request."""
_CONNECTIONS: Final = 4
_OTHER_SPANS: Final = 10
_PAUSE: Final = 0.05
_UNITS: Final = {"K": 1_000, "M": 1_000_000}
_MIB: Final = 1 << 20
_HOW: Final = f"""\
Each value is sent once, {_REQUEST:,} in a request, over {_CONNECTIONS} connections. “Other sender” is the
time to the acknowledgement of {_OTHER_SPANS} spans, sent every {_PAUSE * 1000:.0f} ms meanwhile. The first
row is without distinct values. CPU is that of the collector until all spans are counted in the map."""

Fill = Callable[[ResourceSpans, Span, int], object]
"""Makes one span, alone in its resource, carry the value with a number."""


class Figures(NamedTuple):
    """The result of one kind of values."""

    cpu: float
    seconds: float
    p50_ms: float
    p99_ms: float
    map_seconds: float
    diagram_seconds: float
    rss: int


def _text(key: str, value: str) -> KeyValue:
    found = KeyValue(key=key)
    found.value.string_value = value
    return found


def _service(sent: ResourceSpans, _: Span, number: int) -> None:
    sent.resource.attributes[0].value.string_value = f"service-{number}"


def _pod(sent: ResourceSpans, _: Span, number: int) -> None:
    sent.resource.attributes.append(_text("k8s.pod.name", f"shop-{number:x}"))


def _scope(sent: ResourceSpans, _: Span, number: int) -> None:
    sent.scope_spans[0].scope.name = "shop"
    sent.scope_spans[0].scope.version = f"1.0.{number}"


def _name(_: ResourceSpans, span: Span, number: int) -> None:
    span.kind = Span.SPAN_KIND_SERVER
    span.name = f"GET /items/{number}"
    span.attributes.append(_text("http.route", f"/items/{number}"))


def _order_route(_: ResourceSpans, span: Span, number: int) -> None:
    span.kind = Span.SPAN_KIND_SERVER
    span.attributes.append(_text("http.route", f"/tenants/{number}/orders/{{order_id}}"))
    span.attributes.append(_text("url.path", f"/tenants/{number}/orders/{number}"))


def _attribute_key(_: ResourceSpans, span: Span, number: int) -> None:
    span.attributes.append(_text(f"key.{number}", "x"))


def _topic(_: ResourceSpans, span: Span, number: int) -> None:
    span.kind = Span.SPAN_KIND_PRODUCER
    span.attributes.extend(
        [_text("messaging.system", "kafka"), _text("messaging.destination.name", f"topic-{number}")]
    )


def _group(_: ResourceSpans, span: Span, number: int) -> None:
    span.kind = Span.SPAN_KIND_CONSUMER
    pairs = {
        "messaging.system": "kafka",
        "messaging.destination.name": f"topic-{number}",
        "messaging.consumer.group.name": f"group-{number}",
        "messaging.operation.type": "process",
    }
    span.attributes.extend(_text(*pair) for pair in pairs.items())


def _host(_: ResourceSpans, span: Span, number: int) -> None:
    span.kind = Span.SPAN_KIND_CLIENT
    span.attributes.extend(
        [_text("http.request.method", "GET"), _text("server.address", f"host-{number}.example")]
    )


def _database(_: ResourceSpans, span: Span, number: int) -> None:
    span.kind = Span.SPAN_KIND_CLIENT
    span.attributes.extend([_text("db.system.name", "postgresql"), _text("db.namespace", f"tenant-{number}")])


def _order(_: ResourceSpans, span: Span, number: int) -> None:
    span.trace_id = (1 << 120).to_bytes(16)
    span.attributes.append(_text("order.id", f"order-{number}"))


def _nothing(_: ResourceSpans, __: Span, ___: int) -> None:
    pass


KINDS: Final[dict[str, Fill]] = {
    "none": _nothing,
    "services": _service,
    "pods of one service": _pod,
    "scope versions": _scope,
    "routes and span names": _name,
    "routes with an order": _order_route,
    "attribute keys": _attribute_key,
    "topics": _topic,
    "topics and groups": _group,
    "hosts": _host,
    "databases": _database,
    "orders in one trace": _order,
}


def _requests(fill: Fill, values: int, now: int) -> Iterator[bytes]:
    """Yield requests with one span per value, the spans of the same resource together."""
    alone = fill in (_service, _pod, _scope)
    for begin in range(0, values, _REQUEST):
        request = ExportTraceServiceRequest()
        sent: ResourceSpans | None = None
        for number in range(begin, min(begin + _REQUEST, values)):
            if sent is None or alone:
                sent = request.resource_spans.add()
                sent.resource.attributes.append(_text("service.name", "shop"))
                sent.scope_spans.add()
            span = sent.scope_spans[0].spans.add()
            span.trace_id = (number + (1 << 100)).to_bytes(16)
            span.span_id = (number + (1 << 40)).to_bytes(8)
            span.name = "work"
            span.start_time_unix_nano = now + number
            span.end_time_unix_nano = now + number + 1_000_000
            fill(sent, span, number)
        yield request.SerializeToString()


class OtherSender:
    """Sends a small request every 50 ms in a thread, and notes how long each acknowledgement takes."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=120)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seconds: list[float] = []

    @contextmanager
    def running(self) -> Generator[None, None, None]:
        """Send while the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self._ending.set()
            self._thread.join()
            self._connection.close()

    def _run(self) -> None:
        number = 0
        while not self._ending.wait(_PAUSE):
            body = self._body(number := number + 1)
            began = time.perf_counter()
            _post(self._connection, body)
            self.seconds.append(time.perf_counter() - began)

    def _body(self, number: int) -> bytes:
        request = ExportTraceServiceRequest()
        sent = request.resource_spans.add()
        sent.resource.attributes.append(_text("service.name", "quiet"))
        scope = sent.scope_spans.add()
        for place in range(_OTHER_SPANS):
            span = scope.spans.add(name="GET /", kind=Span.SPAN_KIND_SERVER)
            span.trace_id = ((2 << 100) + number * _OTHER_SPANS + place).to_bytes(16)
            span.span_id = ((2 << 40) + number * _OTHER_SPANS + place).to_bytes(8)
            span.start_time_unix_nano = time.time_ns()
            span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000
        return request.SerializeToString()


def _post_all(address: str, requests: list[bytes]) -> None:
    """Send requests over several connections at once."""

    def send(part: list[bytes]) -> None:
        connection = http.client.HTTPConnection(address, timeout=300)
        for body in part:
            _post(connection, body)
        connection.close()

    threads = [
        threading.Thread(target=send, args=(requests[at::_CONNECTIONS],)) for at in range(_CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _post(connection: http.client.HTTPConnection, body: bytes) -> None:
    while True:
        connection.request("POST", "/v1/traces", body, {"content-type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            return
        if answer.status not in (429, 503):
            raise RuntimeError(f"The collector answered {answer.status}")
        time.sleep(0.1)


def _get(address: str, path: str) -> dict[str, object]:
    connection = http.client.HTTPConnection(address, timeout=300)
    connection.request("GET", path)
    answer = connection.getresponse()
    found: dict[str, object] = json.loads(answer.read())
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {found}")
    return found


def measure(fill: Fill, values: int, directory: Path) -> Figures:
    """Send the values of one kind to a new collector."""
    requests = list(_requests(fill, values, time.time_ns()))
    with servers.laban(directory / "distinct.duckdb") as server:
        other = OtherSender(server.http)
        before, began = server.cpu_seconds(), time.perf_counter()
        with other.running():
            _post_all(server.http, requests)
            _get(server.api, "/api/v1/map")
        cpu, seconds = server.cpu_seconds() - before, time.perf_counter() - began
        map_seconds = _seconds(lambda: _get(server.api, "/api/v1/map"))
        diagram = [sys.executable, "-m", "laban", "diagram", "--url", f"http://{server.api}"]
        diagram_seconds = _seconds(lambda: subprocess.run(diagram, check=True, capture_output=True))
        p50, p99 = (float(value) * 1e3 for value in np.quantile(other.seconds, [0.5, 0.99]))
        return Figures(cpu, seconds, p50, p99, map_seconds, diagram_seconds, server.peak_rss())


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(kind: str, found: Figures) -> list[str]:
    return [
        kind,
        f"{found.cpu:.1f}",
        f"{found.p50_ms:.0f}",
        f"{found.p99_ms:.0f}",
        f"{found.map_seconds:.2f}",
        f"{found.diagram_seconds:.1f}",
        f"{found.rss / _MIB:.0f}",
    ]


def main() -> None:
    """Measure each kind, print the table, and publish it if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", default="100K", help="distinct values of each kind")
    parser.add_argument(
        "--only", action="append", choices=list(KINDS), help="only this kind; may be repeated"
    )
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    digits = options.values.rstrip("KM")
    values = int(digits) * _UNITS.get(options.values[len(digits) :], 1)
    rows = []
    for kind in options.only or KINDS:
        with tempfile.TemporaryDirectory() as name:
            found = measure(KINDS[kind], values, Path(name))
        print(f"{kind}: {found}", file=sys.stderr, flush=True)
        rows.append(_row(kind, found))
    head = ["distinct values", "CPU s", "other sender p50 ms", "p99 ms", "map s", "diagram s", "peak RSS MiB"]
    text = "\n\n".join([report.machine(), f"{values:,} values of each kind.", report.table(head, rows), _HOW])
    print(text)
    if options.publish:
        report.publish("distinct", text)


if __name__ == "__main__":
    main()
