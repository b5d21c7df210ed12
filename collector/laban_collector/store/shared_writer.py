"""A writer for several threads: one batch after the other."""

import threading
from collections.abc import Sequence

from laban_collector.span_batch import SpanBatch
from laban_collector.store.base import Lag, SpanWriter, Written


class SharedWriter(SpanWriter):
    """Implements `SpanWriter` before another one, which remembers what it wrote: not for two at once.

    Args:
        writer: the only one of its database.
    """

    def __init__(self, writer: SpanWriter) -> None:
        self._writer = writer
        self._one = threading.Lock()

    def write(self, batch: SpanBatch) -> Written:
        """Store a batch when the one before it is stored."""
        with self._one:
            return self._writer.write(batch)

    def write_lag(self, rows: Sequence[Lag]) -> None:
        """Store one poll of the lag poller."""
        self._writer.write_lag(rows)
