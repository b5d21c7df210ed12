"""Lost spans are counted, and logged once a minute."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from laban.sdk.draining_processor import DrainingSpanProcessor
from laban.sdk.lost_spans import LostSpans


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_loss_is_logged_at_once_and_later_ones_once_a_minute(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    losses = LostSpans(clock)
    losses.add(3, "the queue was full")
    clock.now += 59
    losses.add(4, "the queue was full")
    losses.add(5, "nobody accepted them")
    assert caplog.messages == ["laban lost spans: 3 because the queue was full; 3 since the start"]
    clock.now += 1
    losses.add(1, "nobody accepted them")
    assert caplog.messages[1:] == [
        "laban lost spans: 4 because the queue was full, 6 because nobody accepted them; 13 since the start"
    ]
    assert losses.total == 13


def test_the_remaining_losses_are_logged_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    losses = LostSpans(clock)
    losses.add(1, "the queue was full")
    losses.add(2, "the queue was full")
    losses.report()
    losses.report()
    assert len(caplog.messages) == 2


class Refusing(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE


def processor_of(exporter: SpanExporter, monkeypatch: pytest.MonkeyPatch) -> DrainingSpanProcessor:
    # No export before shutdown, and a queue of four spans.
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    return DrainingSpanProcessor(exporter)


def test_spans_that_the_exporter_cannot_deliver_are_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    processor = processor_of(Refusing(), monkeypatch)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for number in range(3):
        provider.get_tracer("test").start_span(str(number)).end()
    provider.shutdown()
    assert processor.lost.total == 3
    assert "3 because the collector did not accept them" in caplog.text


def test_spans_that_do_not_fit_in_the_queue_are_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    processor = processor_of(Refusing(), monkeypatch)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    # Hold the export lock, so that no span leaves the queue, as if the export could not keep up.
    with cast("Any", processor)._batch_processor._export_lock:
        for number in range(6):
            provider.get_tracer("test").start_span(str(number)).end()
    assert processor.lost.total == 2
    provider.shutdown()
    assert processor.lost.total == 6
    ours = [record.getMessage() for record in caplog.records if record.name == "laban"]
    assert "1 because the queue was full" in ours[0]  # the SDK may log before it
