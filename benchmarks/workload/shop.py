"""Simulates a day in a shop as OTLP requests: seeded, realistic and without duplicates.

Journeys have 4 to 15 spans across more than 40 services: HTTP, PostgreSQL and Kafka, with links from consumer
spans to the messages. 2 % of the spans fail with an exception. Most orders and customers have one or two
traces; a few have very many. Each service exports its spans in batches. Incomplete batches are mixed, as by
an agent.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from benchmarks.workload.journeys import CONSUMER, JOURNEYS, ORDER, PRODUCER, TRACK, Attributes, Step
from benchmarks.workload.template import ROUND_DIGITS, Sent, Template, locate

__all__ = ["HOT_ORDERS", "START", "Day", "Template", "one_day", "order_of_round", "templates"]

START: Final = 1_795_000_000_000_000_000
"""Time of the first order, ns since the epoch."""

HOT_ORDERS: Final = ("7000000001", "7000000002", "7000000003")
"""Orders that users look up all the time: the same ones in every round."""

_ORDER_DIGITS: Final = 10
_A_SECOND: Final = 12_000
_CUSTOMERS: Final = 100_000
_LATE: Final = 0.01
"""Probability that a service's spans of a trace arrive rounds later, and that a message waits as long."""
_LATEST_ORDERS: Final = 200
_HOT: Final = 0.003
_WATCHED: Final = 0.05
"""Shares of the lookups: of a hot order (`_HOT`), and of this round's watched order up to `_WATCHED`."""


class Day(NamedTuple):
    """One round of the shop.

    Attributes:
        templates: the requests of the round.
        period: the time that the round covers, ns.
        orders: for each order placed in the round, the number of its spans.
        watched: the order that many users look up.
    """

    templates: list[Template]
    period: int
    orders: dict[str, int]
    watched: str


def templates(requests: int, spans: int, seed: int = 1) -> tuple[list[Template], int]:
    """Return request templates and the time that they cover, in ns."""
    day = one_day(requests, spans, seed)
    return day.templates, day.period


def one_day(requests: int, spans: int, seed: int = 1, *, a_second: int = _A_SECOND, latest: int = 0) -> Day:
    """Simulate one round.

    Args:
        requests: number of requests.
        spans: spans per request.
        seed: seed of the random numbers.
        a_second: spans per second.
        latest: the most rounds that late spans arrive late; 0: no span is late.
    """
    period = requests * spans * 1_000_000_000 // a_second
    shop = _Shop(random.Random(seed), period, latest)
    batches: dict[str, list[Sent]] = {}
    made: list[Template] = []
    total = 0
    while total < requests * spans:
        for sent in shop.journey(total * 1_000_000_000 // a_second):
            batch = batches.setdefault(sent.service, [])
            batch.append(sent)
            total += 1
            if len(batch) == spans:
                made.append(_request(batches.pop(sent.service)))
    mixed = [sent for batch in batches.values() for sent in batch]
    made += [_request(mixed[at : at + spans]) for at in range(0, len(mixed) - spans + 1, spans)]
    for lost in mixed[len(mixed) // spans * spans :]:
        shop.orders.pop(lost.order, None)
    return Day(made[:requests], period, shop.orders, shop.watched)


def order_of_round(order: str, number: int) -> str:
    """Return the ID that an order of a round has in another round."""
    return f"{number % 10**ROUND_DIGITS:0{ROUND_DIGITS}d}{order[ROUND_DIGITS:]}"


class _Shop:
    """Generates one journey after the other."""

    def __init__(self, numbers: random.Random, period: int, latest: int) -> None:
        self._numbers = numbers
        self._period = period
        self._latest = latest
        self._offset = 0
        self._placed: list[str] = []
        self.orders: dict[str, int] = {}
        self.watched = ""

    def journey(self, begin: int) -> Iterator[Sent]:
        """Yield the spans of one journey; `begin` is in ns since the start of the round."""
        numbers = self._numbers
        [name] = numbers.choices(list(JOURNEYS), [journey.percent for journey in JOURNEYS.values()])
        steps = JOURNEYS[name].steps
        keys = {"order": self._order(name), "customer": f"c-{int(numbers.paretovariate(0.6)) % _CUSTOMERS}"}
        own = "" if keys["order"] in HOT_ORDERS else keys["order"]
        if own in self.orders:
            self.orders[own] += len(steps)
        late = {service: self._rounds() for service in dict.fromkeys(step.service for step in steps)}
        partition = str(numbers.randrange(12))
        emitted: list[tuple[Span, bytes, int]] = []
        for number, step in enumerate(steps):
            above, offset, waited = emitted[step.parent] if step.parent >= 0 else (None, b"", 0)
            span = self._span(step, above, START + begin + number * 1_000_000)
            if step.kind == CONSUMER:
                waited += self._rounds()
            elif step.kind == PRODUCER:
                offset = self._next_offset()
            self._describe(span, step, keys, partition, offset)
            emitted.append((span, offset, waited))
            after = late[step.service]
            yield Sent(step.service, span, own, offset, waited + after, after)

    def _rounds(self) -> int:
        """Draw the number of rounds that a span is late, usually 0."""
        if not self._latest or self._numbers.random() >= _LATE:
            return 0
        return self._numbers.randint(1, self._latest)

    def _order(self, journey: str) -> str:
        """Return the order of a journey, or an empty string."""
        numbers = self._numbers
        if journey == TRACK and self._placed:
            chance = numbers.random()
            if chance < _HOT:
                return numbers.choice(HOT_ORDERS)
            return self.watched if chance < _WATCHED else numbers.choice(self._placed[-_LATEST_ORDERS:])
        if journey != ORDER:
            return ""
        order = f"{numbers.randrange(10 ** (_ORDER_DIGITS - ROUND_DIGITS)):0{_ORDER_DIGITS}d}"
        self._placed.append(order)
        self.orders.setdefault(order, 0)
        self.watched = self.watched or order
        return order

    def _next_offset(self) -> bytes:
        """Return the next offset as a varint of five bytes; the upper two encode the round."""
        self._offset += 1
        low = (0x80 | self._offset >> shift & 0x7F for shift in (0, 7, 14))
        return bytes((*low, 0x80, 0x40))

    def _span(self, step: Step, above: Span | None, begin: int) -> Span:
        numbers = self._numbers
        start = begin + numbers.randrange(500_000)
        parent = None if step.new_trace else above
        span = Span(
            trace_id=parent.trace_id if parent else numbers.randbytes(16),
            span_id=numbers.randbytes(8),
            parent_span_id=parent.span_id if parent else b"",
            name=step.name,
            kind=step.kind,  # type: ignore[arg-type]  # the enum's values are plain numbers
            start_time_unix_nano=start,
            end_time_unix_nano=start + int(numbers.lognormvariate(16, 0.6)),
            flags=0x101,
        )
        if step.kind == CONSUMER and above is not None:
            span.links.add(trace_id=above.trace_id, span_id=above.span_id)
        return span

    def _describe(
        self, span: Span, step: Step, keys: Mapping[str, str], partition: str, offset: bytes
    ) -> None:
        """Add the attributes; let 2 % of the spans fail."""
        attributes = dict(step.attributes)
        route = str(attributes.get("http.route"))
        if "{order_id}" in route:
            attributes["url.path"] = f"/orders/{keys['order']}"
        elif "{sku}" in route:
            sku = int(self._numbers.paretovariate(0.7)) % 100_000
            attributes["url.path"] = route.replace("{sku}", str(sku))
        topic = attributes.get("messaging.destination.name")
        if topic is not None:
            attributes["messaging.destination.partition.id"] = partition
            attributes["messaging.kafka.offset"] = _number(offset)
            attributes["messaging.kafka.message.key"] = keys["order" if topic == "orders" else "customer"]
        attributes |= {f"{key}.id": keys[key] for key in step.keys}
        span.attributes.extend(_pairs(attributes))
        if self._numbers.random() < 0.02:
            _fail(span, keys["order"])


def _pairs(attributes: Attributes) -> Iterator[KeyValue]:
    return (KeyValue(key=key, value=_value(value)) for key, value in attributes.items())


def _value(value: str | int) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)


def _number(varint: bytes) -> int:
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(varint))


def _fail(span: Span, order: str) -> None:
    span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=f"order {order} cannot be served"))
    event = span.events.add(time_unix_nano=span.end_time_unix_nano, name="exception")
    trace = 'Traceback (most recent call last):\n  File "/app/orders.py", line 81, in create\nTimeoutError\n'
    said: Attributes = {
        "exception.type": "TimeoutError",
        "exception.message": f"order {order} cannot be served",
        "exception.stacktrace": trace,
    }
    event.attributes.extend(_pairs(said))


def _request(sent: list[Sent]) -> Template:
    """Build one request, with the spans grouped by service."""
    by_service: dict[str, list[Sent]] = {}
    for one in sent:
        by_service.setdefault(one.service, []).append(one)
    request = ExportTraceServiceRequest()
    for service, own in by_service.items():
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(_pairs(_resource(service)))
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name, scope_spans.scope.version = "opentelemetry.instrumentation.fastapi", "0.66b1"
        scope_spans.spans.extend(one.span for one in own)
    return locate(request.SerializeToString(), [one for own in by_service.values() for one in own])


def _resource(service: str) -> Attributes:
    return {
        "service.name": service,
        "service.version": "1.4.2",
        "service.instance.id": f"{service}-7f9c",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.1",
        "k8s.pod.name": f"{service}-7f9c-xk2p",
    }
