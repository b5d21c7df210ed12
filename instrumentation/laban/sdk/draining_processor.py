"""The last export: waited for while the collector takes spans, given up soon when it does not.

Stock waits through all retries of every batch still queued, 7 s and more, when the collector is down.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any, Final, cast

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from laban.fail_open import fail_open
from laban.sdk.lost_spans import Losses

PATIENCE_S: Final = 0.8
"""How long the end of a process waits for the next batch to be taken."""


class WatchedExporter(SpanExporter):
    """An exporter that remembers when it last delivered something, and counts what it could not deliver."""

    def __init__(self, inner: SpanExporter, losses: Losses) -> None:
        self._inner = inner
        self._losses = losses
        self.delivered_at = float("-inf")
        """`time.monotonic()` of the last success."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch; blocks through the retries of the exporter inside."""
        result = SpanExportResult.FAILURE
        try:
            result = self._inner.export(spans)
        finally:
            if result is SpanExportResult.SUCCESS:
                self.delivered_at = time.monotonic()
            else:
                self._losses.add(len(spans), "the collector did not take them")
        return result

    def shutdown(self) -> None:
        """Stop, and break off a retry under way."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """As the exporter inside."""
        return self._inner.force_flush(timeout_millis)


class DrainingSpanProcessor(BatchSpanProcessor):
    """A batch processor whose shutdown ends when all is delivered, or `PATIENCE_S` after the last success.

    Attributes:
        losses: what did not arrive.
    """

    def __init__(self, span_exporter: SpanExporter) -> None:
        self.losses = Losses()
        self._exporter = WatchedExporter(span_exporter, self.losses)
        super().__init__(self._exporter)
        with fail_open("cannot count lost spans"):
            self._count_dropped(cast("Any", self._batch_processor)._metrics)  # noqa: SLF001 - no other handle

    def shutdown(self) -> None:
        """Deliver what is queued, as long as somebody takes it."""
        with fail_open("cannot bound the last export"):
            batch = cast("Any", self._batch_processor)
            self._make_join_patient(batch._worker_thread)  # noqa: SLF001 - there is no other handle
        super().shutdown()  # type: ignore[no-untyped-call]  # the SDK has no types here
        with fail_open("cannot count lost spans"):
            left = len(cast("Any", self._batch_processor)._queue)  # noqa: SLF001 - no other handle
            if left:
                self.losses.add(left, "the process ended before the collector took them")
            self.losses.say()

    def _count_dropped(self, metrics: Any) -> None:
        # The SDK tells its own metrics when the queue is full; nobody else, and those are seldom exported.
        drop_items = metrics.drop_items

        def dropped(count: int, *why: Any) -> None:
            drop_items(count, *why)
            if not why:
                self.losses.add(count, "the queue was full")

        metrics.drop_items = dropped

    def _make_join_patient(self, worker: threading.Thread) -> None:
        # Stock's shutdown wakes the worker to export all that is left, joins it, and closes the exporter:
        # all as it should be but the time that it waits. (A thread of our own could not be started here:
        # since Python 3.12 no thread starts once the interpreter is going down.)
        join = worker.join
        started = time.monotonic()

        def join_while_delivering(timeout: float | None = None) -> None:  # noqa: ARG001 - join's signature
            while worker.is_alive():
                left = max(started, self._exporter.delivered_at) + PATIENCE_S - time.monotonic()
                if left <= 0:
                    return
                join(left)

        worker.join = join_while_delivering  # type: ignore[method-assign]  # of this one thread
