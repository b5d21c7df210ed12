"""A day in a shop as OTLP requests: seeded, realistic, and as many distinct ones as wanted.

An order is a trace of 12 spans over 6 services: HTTP, PostgreSQL and Kafka, with a link from what the
consumers do to the message; 2 % of the spans fail with an exception. Each service exports its own in batches.
"""

import random
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

START: Final = 1_795_000_000_000_000_000
"""When the first order comes, ns since the epoch."""

_ORDER_DIGITS: Final = 10
_ROUND_DIGITS: Final = 4
_NS_A_TRACE: Final = 1_000_000
_SERVER, _CLIENT, _PRODUCER, _CONSUMER = 2, 3, 4, 5

Attributes = dict[str, str | int | bool]


class _Step(NamedTuple):
    """One span of an order: who does it, and what; `parent` is a step."""

    service: str
    name: str
    kind: int
    parent: int
    attributes: Attributes


def _http(method: str, route: str, peer: str, port: int) -> Attributes:
    return {
        "http.request.method": method,
        "http.route": route,
        "url.path": route,
        "url.scheme": "http",
        "server.address": peer,
        "server.port": port,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "user_agent.original": "python-httpx/0.28.1",
        "client.address": "10.0.3.17",
    }


def _database(operation: str, table: str) -> Attributes:
    return {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.operation.name": operation,
        "db.collection.name": table,
        "db.query.text": f"{operation} * FROM {table} WHERE id = $1",
        "server.address": "postgres-0",
        "server.port": 5432,
    }


def _kafka(operation: str, group: str = "") -> Attributes:
    attributes: Attributes = {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "messaging.operation.type": operation,
        "messaging.operation.name": operation,
        "messaging.client.id": "kafka-python-3.0",
        "messaging.destination.partition.id": "3",
        "messaging.message.body.size": 512,
        "server.address": "kafka-1",
        "server.port": 9092,
    }
    return attributes | ({"messaging.consumer.group.name": group} if group else {})


_ORDER: Final = (
    _Step("gateway", "POST /orders", _SERVER, -1, _http("POST", "/orders", "shop", 443)),
    _Step("gateway", "POST", _CLIENT, 0, _http("POST", "/orders", "order", 8081)),
    _Step("order", "POST /orders/{order_id}", _SERVER, 1, _http("POST", "/orders/{order_id}", "order", 8081)),
    _Step("order", "POST", _CLIENT, 2, _http("POST", "/reserve/{sku}", "inventory", 8082)),
    _Step("inventory", "POST /reserve/{sku}", _SERVER, 3, _http("POST", "/reserve/{sku}", "inventory", 8082)),
    _Step("inventory", "SELECT stock", _CLIENT, 4, _database("SELECT", "stock")),
    _Step("order", "GET", _CLIENT, 2, _http("GET", "/price/{sku}", "pricing", 8083)),
    _Step("pricing", "GET /price/{sku}", _SERVER, 6, _http("GET", "/price/{sku}", "pricing", 8083)),
    _Step("order", "INSERT orders", _CLIENT, 2, _database("INSERT", "orders")),
    _Step("order", "orders send", _PRODUCER, 2, _kafka("send")),
    _Step("email", "orders process", _CONSUMER, 9, _kafka("process", "email")),
    _Step("payment", "orders process", _CONSUMER, 9, _kafka("process", "payment")),
)
_TELLS_ORDER: Final = (0, 2, 9, 10, 11)


@dataclass
class Template:
    """One request, and where in it is what makes it another one.

    Attributes:
        body: its bytes.
        spans: how many it has.
        ids: where the trace ids are (those of links too).
        times: where times are, 8 bytes each.
        orders: where order ids are, in ASCII digits.
    """

    body: bytes
    spans: int
    ids: list[int] = field(default_factory=list[int])
    times: list[int] = field(default_factory=list[int])
    orders: list[int] = field(default_factory=list[int])

    def fresh(self, number: int, period: int) -> bytes:
        """The request of another round: other traces, other orders, so many times `period` ns later."""
        body = np.frombuffer(self.body, np.uint8).copy()
        _add(body, self.ids, number << 40)
        _add(body, self.times, number * period)
        digits = f"{number % 10**_ROUND_DIGITS:0{_ROUND_DIGITS}d}".encode()
        at = np.array(self.orders, np.int64)
        for position, digit in enumerate(digits):
            body[at + position] = digit
        return body.tobytes()


def templates(requests: int, spans: int, seed: int = 1) -> tuple[list[Template], int]:
    """So many requests of so many spans, and the time that they cover, ns."""
    orders = random.Random(seed)
    batches: dict[str, list[_Sent]] = {}
    made: list[Template] = []
    traces = 0
    while len(made) < requests:
        for service, sent in _order(orders, traces):
            batch = batches.setdefault(service, [])
            batch.append(sent)
            if len(batch) == spans:
                made.append(_request(service, batches.pop(service)))
        traces += 1
    return made[:requests], traces * _NS_A_TRACE


class _Sent(NamedTuple):
    span: Span
    order: str


def _order(numbers: random.Random, trace: int) -> Iterator[tuple[str, _Sent]]:
    trace_id = numbers.randbytes(16)
    order = f"{numbers.randrange(10**_ORDER_DIGITS):0{_ORDER_DIGITS}d}"
    offset = numbers.randrange(10**6)
    ids: list[bytes] = []
    for number, step in enumerate(_ORDER):
        ids.append(numbers.randbytes(8))
        start = START + trace * _NS_A_TRACE + number * 1_000_000 + numbers.randrange(500_000)
        span = Span(
            trace_id=trace_id,
            span_id=ids[-1],
            parent_span_id=ids[step.parent] if step.parent >= 0 else b"",
            name=step.name,
            kind=step.kind,  # type: ignore[arg-type]  # the enum's values are plain numbers
            start_time_unix_nano=start,
            end_time_unix_nano=start + int(numbers.lognormvariate(16, 0.6)),
            flags=0x101,
        )
        span.attributes.extend(_attributes(numbers, step, order if number in _TELLS_ORDER else "", offset))
        if step.kind == _CONSUMER:
            span.links.add(trace_id=trace_id, span_id=ids[step.parent])
        if numbers.random() < 0.02:
            _fail(span, order)
        yield step.service, _Sent(span, order)


def _attributes(numbers: random.Random, step: _Step, order: str, offset: int) -> Iterator[KeyValue]:
    attributes = dict(step.attributes)
    if "{order_id}" in str(attributes.get("http.route")):
        attributes["url.path"] = f"/orders/{order}"
    elif "{sku}" in str(attributes.get("http.route")):
        attributes["url.path"] = f"/price/{int(numbers.paretovariate(0.7)) % 100_000}"
    if step.attributes.get("messaging.system"):
        attributes |= {
            "messaging.kafka.offset": offset,
            "messaging.kafka.message.key": order,
        }
    if order:
        attributes["order.id"] = order
    return (KeyValue(key=key, value=_value(value)) for key, value in attributes.items())


def _value(value: str | int) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)


def _fail(span: Span, order: str) -> None:
    span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=f"order {order} cannot be served"))
    event = span.events.add(time_unix_nano=span.end_time_unix_nano, name="exception")
    trace = 'Traceback (most recent call last):\n  File "/app/orders.py", line 81, in create\nTimeoutError\n'
    said: Mapping[str, str] = {
        "exception.type": "TimeoutError",
        "exception.message": f"order {order} cannot be served",
        "exception.stacktrace": trace,
    }
    event.attributes.extend(KeyValue(key=key, value=_value(value)) for key, value in said.items())


def _request(service: str, sent: list[_Sent]) -> Template:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource: Attributes = {
        "service.name": service,
        "service.version": "1.4.2",
        "service.instance.id": f"{service}-7f9c",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.1",
        "k8s.pod.name": f"{service}-7f9c-xk2p",
    }
    resource_spans.resource.attributes.extend(
        KeyValue(key=key, value=_value(value)) for key, value in resource.items()
    )
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name, scope_spans.scope.version = "opentelemetry.instrumentation.fastapi", "0.66b1"
    scope_spans.spans.extend(one.span for one in sent)
    template = Template(request.SerializeToString(), len(sent))
    _locate(template, sent)
    return template


def _locate(template: Template, sent: list[_Sent]) -> None:
    """Find what changes from round to round. What stands inside of a span comes after its trace id."""
    at = 0
    for span, order in sent:
        at = template.body.index(span.trace_id, at)
        template.ids.append(at)
        end = at + span.ByteSize()
        times = {span.start_time_unix_nano, span.end_time_unix_nano}
        for time in times:
            template.times += _all(template.body, struct.pack("<Q", time), at, end)
        template.ids += _all(template.body, span.trace_id, at + 16, end)
        template.orders += _all(template.body, order.encode(), at, end)
        at += 16


def _all(body: bytes, part: bytes, begin: int, end: int) -> Iterator[int]:
    at = body.find(part, begin, end)
    while at >= 0:
        yield at
        at = body.find(part, at + len(part), end)


def _add(body: NDArray[np.uint8], places: list[int], amount: int) -> None:
    """Add to little-endian integers of 8 bytes in place, wrapping around."""
    at = np.array(places, np.int64)[:, None] + np.arange(8)
    numbers = body[at].view("<u8") + np.uint64(amount)
    body[at] = numbers.view(np.uint8)
