"""Records the spans of a test in memory, with helpers to query them."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from laban.business_keys.key_rules import KeyRules
from laban.business_keys.span_processor import CorrelationProcessor


@dataclass(frozen=True)
class EndedSpan:
    """An ended span. Ids are integers; times are nanoseconds."""

    name: str
    kind: SpanKind
    trace: int
    id: int
    parent: int | None
    start: int
    end: int
    status: StatusCode
    message: str | None
    attributes: Mapping[str, Any]
    links: list[int]
    exceptions: list[str]
    """Types of the recorded exceptions."""
    events: list[tuple[str, dict[str, Any]]]
    """Name and attributes of the other events."""

    @classmethod
    def of(cls, span: ReadableSpan) -> "EndedSpan":
        assert span.context is not None
        assert span.start_time is not None
        assert span.end_time is not None
        events = [event.attributes or {} for event in span.events if event.name == "exception"]
        return cls(
            span.name,
            span.kind,
            span.context.trace_id,
            span.context.span_id,
            span.parent.span_id if span.parent else None,
            span.start_time,
            span.end_time,
            span.status.status_code,
            span.status.description,
            span.attributes or {},
            [link.context.span_id for link in span.links],
            [str(event["exception.type"]) for event in events],
            [(each.name, dict(each.attributes or {})) for each in span.events if each.name != "exception"],
        )


class _Notifying(InMemorySpanExporter):
    def __init__(self) -> None:
        super().__init__()
        self.arrival = threading.Condition()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        with self.arrival:
            self.arrival.notify_all()
        return result


class Recording:
    """A tracer provider with laban's processor, and its ended spans."""

    def __init__(self, rules: KeyRules) -> None:
        self._exporter = _Notifying()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(CorrelationProcessor(rules))
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def tracer(self) -> Tracer:
        return self.provider.get_tracer("test")

    @property
    def finished(self) -> list[EndedSpan]:
        """All ended spans, by start time."""
        return sorted(map(EndedSpan.of, self._exporter.get_finished_spans()), key=lambda span: span.start)

    def of_kind(self, kind: SpanKind) -> list[EndedSpan]:
        return [span for span in self.finished if span.kind is kind]

    def one(self, name: str) -> EndedSpan:
        """The only span of this name."""
        (span,) = (span for span in self.finished if span.name == name)
        return span

    def wait_for(self, count: int) -> None:
        """Wait until this number of spans has ended, perhaps in other threads."""
        with self._exporter.arrival:
            assert self._exporter.arrival.wait_for(lambda: len(self.finished) >= count, timeout=10)

    def clear(self) -> None:
        self._exporter.clear()
