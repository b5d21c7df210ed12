"""A batch span processor whose shutdown exports what is queued, and gives up soon if the collector is down.

Upstream waits through all retries of every queued batch, 7 s and more, if the collector is down.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from laban.fail_open import fail_open
from laban.sdk.lost_spans import LostSpans

PATIENCE_S: Final = 0.8
"""How long shutdown waits for the collector to accept the next batch."""


_draining: Final[set[int]] = set()
"""The threads that export the last spans."""
_afterwards: Final[list[Callable[[], None]]] = []


def after_draining(callback: Callable[[], None]) -> bool:
    """Call this as soon as the current thread has exported its last spans; False if it does not export now.

    For a signal handler: it interrupts the thread, which can go on only when the handler has returned.
    """
    if threading.get_ident() not in _draining:
        return False
    _afterwards.append(callback)
    return True


class WatchedExporter(SpanExporter):
    """An exporter that records the time of its last success and counts the spans that it failed to export."""

    def __init__(self, inner: SpanExporter, lost: LostSpans, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._lost = lost
        self._clock = clock
        self.exported_at = float("-inf")
        """Clock time of the last success, in seconds."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch; blocks through the retries of the inner exporter."""
        result = SpanExportResult.FAILURE
        try:
            result = self._inner.export(spans)
        finally:
            if result is SpanExportResult.SUCCESS:
                self.exported_at = self._clock()
            else:
                self._lost.add(len(spans), "the collector did not accept them")
        return result

    def shutdown(self) -> None:
        """Stop, and abort a retry in progress."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the inner exporter."""
        return self._inner.force_flush(timeout_millis)


class DrainingSpanProcessor(BatchSpanProcessor):
    """A batch processor whose shutdown ends once the queue is empty, or `PATIENCE_S` after the last success.

    Attributes:
        lost: the spans that were not exported.
    """

    def __init__(self, span_exporter: SpanExporter, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds."""
        self.lost = LostSpans()
        self._clock = clock
        self._exporter = WatchedExporter(span_exporter, self.lost, clock)
        super().__init__(self._exporter)
        with fail_open("cannot count lost spans"):
            self._count_dropped(cast("Any", self._batch_processor)._metrics)  # noqa: SLF001 - no public access

    def shutdown(self) -> None:
        """Export the queued spans, as long as the collector accepts them."""
        thread = threading.get_ident()
        _draining.add(thread)
        try:
            self._drain()
        finally:
            _draining.discard(thread)
            while _afterwards:
                _afterwards.pop()()

    def _drain(self) -> None:
        with fail_open("cannot limit the last export"):
            batch = cast("Any", self._batch_processor)
            self._limit_join(batch._worker_thread)  # noqa: SLF001 - no public access
        super().shutdown()  # type: ignore[no-untyped-call]  # the SDK has no types here
        with fail_open("cannot count lost spans"):
            left = len(cast("Any", self._batch_processor)._queue)  # noqa: SLF001 - no public access
            if left:
                self.lost.add(left, "the process ended before the collector accepted them")
            self.lost.report()

    def _count_dropped(self, metrics: Any) -> None:
        # The SDK reports a full queue only to its own metrics, which are seldom exported.
        drop_items = metrics.drop_items

        def dropped(count: int, *why: Any) -> None:
            drop_items(count, *why)
            if not why:
                self.lost.add(count, "the queue was full")

        metrics.drop_items = dropped

    def _limit_join(self, worker: threading.Thread) -> None:
        # Upstream's shutdown wakes the worker to export what is left, joins it, and closes the exporter. Only
        # the time that it waits needs a limit. (A thread of our own cannot do it: since Python 3.12, no
        # thread can start during interpreter shutdown.)
        join = worker.join
        started = self._clock()

        def join_while_exporting(timeout: float | None = None) -> None:  # noqa: ARG001 - join's signature
            while worker.is_alive():
                left = max(started, self._exporter.exported_at) + PATIENCE_S - self._clock()
                if left <= 0:
                    return
                join(left)

        worker.join = join_while_exporting  # type: ignore[method-assign]  # of this one thread
