"""The last export waits for a slow collector, but not for a dead one."""

import threading
from collections.abc import Callable, Sequence
from itertools import count

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from laban.sdk import draining_processor
from laban.sdk.draining_processor import DrainingSpanProcessor

BATCHES = 8
PATIENCE_S = 0.01
"""Of real time, only the waits between two looks at the clock."""


class SlowCollector(SpanExporter):
    """Accepts one batch whenever shutdown reads the clock, at three quarters of the patience."""

    def __init__(self) -> None:
        self.batches = 0
        self._now = 0.0
        self._reads = 0
        self._entered = threading.Semaphore(0)
        self._permits = threading.Semaphore(0)

    def clock(self) -> float:
        """Fake seconds."""
        if threading.current_thread() is threading.main_thread():
            self._reads += 1
            if self._reads > 1 and self.batches < BATCHES:  # the first read is the start of the shutdown
                self._accept_one()
        return self._now

    def _accept_one(self) -> None:
        if self.batches == 0:
            self._entered.acquire()
        self._permits.release()
        if self.batches < BATCHES - 1:
            self._entered.acquire()  # the next export has begun, so this one is complete

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._entered.release()
        self._permits.acquire()
        self._now += PATIENCE_S * 0.75
        self.batches += 1
        return SpanExportResult.SUCCESS


class DeadCollector(SpanExporter):
    """Never answers an export, until it is shut down."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.closed.wait()
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.closed.set()


def shut_down(
    exporter: SpanExporter, clock: Callable[[], float], monkeypatch: pytest.MonkeyPatch
) -> DrainingSpanProcessor:
    """Queue batches of one span each, and shut down."""
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    processor = DrainingSpanProcessor(exporter, clock)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for _ in range(BATCHES):
        provider.get_tracer("test").start_span("span").end()
    provider.shutdown()
    return processor


def test_shutdown_waits_for_a_slow_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining_processor, "PATIENCE_S", PATIENCE_S)
    collector = SlowCollector()
    processor = shut_down(collector, collector.clock, monkeypatch)
    assert collector.batches == BATCHES
    assert processor.lost.total == 0


def test_shutdown_gives_up_on_a_collector_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count(step=draining_processor.PATIENCE_S)  # the patience ends between two looks at the clock
    collector = DeadCollector()
    processor = shut_down(collector, seconds.__next__, monkeypatch)
    assert collector.closed.is_set()
    assert processor.lost.total > 0
