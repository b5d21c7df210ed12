"""Turns a simulated system into what a collector gets: requests of OTLP, and polls of the lag."""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from benchmarks.simulation.blueprint import Group, S, Service, System, Topic
from benchmarks.simulation.execution import Consumed, Execution, Order
from benchmarks.simulation.spelling import ERROR, Recorded, Value
from laban_collector.store.rows import Lag

_REQUEST: Final = 400
"""Spans per request."""
_POLL: Final = 15 * S
_STOPPED: Final = 45 * S
"""A group that has not moved for this long, with messages to read, has stopped."""


def sample(system: System, orders: Sequence[Order], numbers: random.Random) -> None:
    """Leave out the spans that sampling drops, or that get lost."""
    kept: dict[bytes, bool] = {}
    failed = {span.trace for order in orders for span in order.spans if span.status == ERROR}
    for order in orders:
        for span in order.spans:
            if span.trace not in kept:
                drawn = numbers.random() < system.sampled
                kept[span.trace] = drawn or (system.sampling == "tail" and span.trace in failed)
            own = int.from_bytes(span.trace[8:]) / 2**64 < span.service.exports
            span.kept = kept[span.trace] and own and numbers.random() >= system.lost


def requests(orders: Sequence[Order]) -> Iterator[bytes]:
    """The spans that were kept, in the order in which they ended, by service."""
    spans = sorted((span for order in orders for span in order.spans if span.kept), key=lambda span: span.end)
    for at in range(0, len(spans), _REQUEST):
        request = ExportTraceServiceRequest()
        by_service: dict[Service, list[Recorded]] = {}
        for span in spans[at : at + _REQUEST]:
            by_service.setdefault(span.service, []).append(span)
        for service, sent in by_service.items():
            resource = request.resource_spans.add()
            resource.resource.attributes.extend(_attributes(_resource(service)))
            resource.scope_spans.add().spans.extend(map(_span, sent))
        yield request.SerializeToString()


def _resource(service: Service) -> dict[str, Value]:
    named: dict[str, Value] = {"service.name": service.name}
    return named if service.namespace is None else {**named, "service.namespace": service.namespace}


def _attributes(values: dict[str, Value]) -> list[KeyValue]:
    return [
        KeyValue(
            key=key,
            value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value),
        )
        for key, value in values.items()
    ]


def _span(span: Recorded) -> Span:
    skew = span.service.skew
    return Span(
        trace_id=span.trace,
        span_id=span.span_id,
        parent_span_id=span.parent,
        name=span.name,
        kind=Span.SpanKind.ValueType(span.kind),
        start_time_unix_nano=span.start + skew,
        end_time_unix_nano=span.end + skew,
        attributes=_attributes(span.attributes),
        links=[Span.Link(trace_id=trace, span_id=linked) for trace, linked in span.links],
        events=[
            Span.Event(
                time_unix_nano=span.end + skew,
                name="exception",
                attributes=_attributes({"exception.type": kind, "exception.message": text}),
            )
            for kind, text in span.exceptions
        ],
        status=Status(code=Status.StatusCode.ValueType(span.status), message=span.message),
    )


def polls(system: System, execution: Execution, until: int) -> Iterator[Lag]:
    """The lag of each group in each partition, as the broker would have told it."""
    for topic in system.topics if system.polled else ():
        for partition in range(topic.partitions):
            for group in topic.groups:
                yield from _polls_of(group, topic, partition, execution, system.begin, until)


def _polls_of(
    group: Group, topic: Topic, partition: int, execution: Execution, begin: int, until: int
) -> Iterator[Lag]:
    first = execution.first[topic.name, partition]
    appended = execution.published.get((topic.name, partition), [])
    commits = _advances(execution.commits.get((group.name, topic.name, partition), []))
    for time in range(until - (until - begin) // _POLL * _POLL, until + 1, _POLL):
        end = first + bisect_right(appended, time)
        at = bisect_right(commits, time, key=lambda one: one.time)
        committed = commits[at - 1].offset if at else first
        unread = appended[committed - first] if committed < end else None
        waited = 0 if unread is None else time - unread
        moved = commits[at - 1].time if at else begin
        yield Lag(
            time=time,
            cluster="kafka:9092",
            group=group.name,
            topic=topic.name,
            partition=partition,
            committed=committed,
            end=end,
            start=max(first - 1000, 0),
            messages=end - committed,
            seconds=None if unread is None else waited / S,
            status="STOP" if min(waited, time - moved) > _STOPPED else "OK",
            seconds_from=None if unread is None else "message",
            members=1,
        )


def _advances(commits: Sequence[Consumed]) -> list[Consumed]:
    """The commits by time, without those that would go back."""
    advanced: list[Consumed] = []
    for one in sorted(commits):
        if not advanced or one.offset > advanced[-1].offset:
            advanced.append(one)
    return advanced
