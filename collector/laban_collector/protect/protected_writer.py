"""A span writer that protects batches, for batches that the collector did not decode, such as imports."""

from collections.abc import Sequence

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.protect.protection import Protection
from laban_collector.store.base import SpanWriter, Written
from laban_collector.store.rows import LagRow


class ProtectedWriter:
    """Implements `SpanWriter`: protects batches and passes them to another writer.

    Args:
        writer: writes the protected batches.
        protection: redaction and limits.
    """

    def __init__(self, writer: SpanWriter, protection: Protection) -> None:
        self._writer = writer
        self._protection = protection

    def write(self, batch: SpanBatch) -> Written:
        """Protect and write a batch."""
        return self._writer.write(self._protection.protect(batch))

    def write_lag(self, rows: Sequence[LagRow]) -> None:
        """Write lag rows, which have no attributes."""
        self._writer.write_lag(rows)
