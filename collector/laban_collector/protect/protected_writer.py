"""A writer that protects what it writes: for whatever does not decode in the collector, such as an import."""

from collections.abc import Sequence

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.protect.protection import Protection
from laban_collector.store.base import Lag, SpanWriter, Written


class ProtectedWriter:
    """Implements `SpanWriter` before another one.

    Args:
        writer: where the batches go.
        protection: what is done to them before.
    """

    def __init__(self, writer: SpanWriter, protection: Protection) -> None:
        self._writer = writer
        self._protection = protection

    def write(self, batch: SpanBatch) -> Written:
        """Write a batch, as it may be stored."""
        return self._writer.write(self._protection.apply(batch))

    def write_lag(self, rows: Sequence[Lag]) -> None:
        """Write rows of the lag, which hold no attributes."""
        self._writer.write_lag(rows)
