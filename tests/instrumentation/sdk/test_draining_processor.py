"""The last export: patient with a slow collector, not with a dead one."""

import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from laban.sdk.draining_processor import PATIENCE_S, DrainingSpanProcessor


class Collector(SpanExporter):
    """Takes each batch after a while, or never; what is shut down gives up."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._closed = threading.Event()
        self.batches = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._closed.wait(self._seconds):
            return SpanExportResult.FAILURE
        self.batches += 1
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._closed.set()


def provider_of(collector: Collector, batches: int, monkeypatch: pytest.MonkeyPatch) -> TracerProvider:
    """A provider with so many batches, each of one span, waiting."""
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(DrainingSpanProcessor(collector))
    for _ in range(batches):
        provider.get_tracer("test").start_span("span").end()
    return provider


def test_a_slow_collector_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector(seconds=PATIENCE_S / 4)
    provider_of(collector, 8, monkeypatch).shutdown()
    assert collector.batches == 8


def test_a_collector_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector(seconds=None)
    provider = provider_of(collector, 8, monkeypatch)
    started = time.monotonic()
    provider.shutdown()
    assert PATIENCE_S <= time.monotonic() - started < 5 * PATIENCE_S
    assert collector.batches == 0
