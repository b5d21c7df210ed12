"""Fills a store quickly with the spans of a simulated shop: one thread decodes while another one writes."""

import queue
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from benchmarks.workload.shop import Day, one_day
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter

REQUEST: Final = 512
A_SECOND: Final = 1_000
"""Spans per second of the shop's time."""
INCOMING: Final = 50_000
"""Spans per second that arrive while the benchmark asks questions, unless it is told otherwise."""
LATEST: Final = 10
"""The most rounds that a span is late: seven minutes."""

_GROUP: Final = 20
"""Requests per commit: about 10,000 spans."""
_LOADED: Final = 12
"""Groups to load together, as a busy collector does."""
_GROUPS: Final = 4
"""Commits per round."""


class Filler:
    """Writes new spans, one commit after the other; continues after the spans of earlier fillers.

    Args:
        database: a database open for writing.
        held: number of spans that earlier fillers wrote.
    """

    def __init__(self, database: Database, held: int = 0) -> None:
        self.day: Day = one_day(_GROUP * _GROUPS, REQUEST, a_second=A_SECOND, latest=LATEST)
        self._writer = DuckDBWriter(database)
        self._decoder = OtlpDecoder(KeyFinder())
        self._next = held // (_GROUP * REQUEST)

    @property
    def rounds(self) -> int:
        """Number of complete rounds."""
        return self._next // _GROUPS

    def fill(self, spans: int) -> int:
        """Write at least this many spans; return the number written."""
        groups = -(-spans // (_GROUP * REQUEST))
        decoded: queue.Queue[SpanBatch] = queue.Queue(_LOADED)

        def run() -> None:
            for _ in range(groups):
                decoded.put(self._decode())

        thread = threading.Thread(
            target=run, daemon=True
        )  # after a failed write, the process must not wait for it
        thread.start()
        stored = 0
        for first in range(0, groups, _LOADED):
            batches = [decoded.get() for _ in range(min(_LOADED, groups - first))]
            written = self._writer.load(batches, self._writer.sequence + len(batches))
            stored += sum(one.spans for one in written)
        thread.join()
        return stored

    @contextmanager
    def arriving(
        self, take: Callable[[SpanBatch], object], rate: int = INCOMING
    ) -> Generator[None, None, None]:
        """Pass new batches to `take` at a steady rate, or as fast as possible, until the block ends."""
        over = threading.Event()

        def run() -> None:
            due = time.monotonic()
            while not over.wait(max(due - time.monotonic(), 0)):
                batch = self._decode()
                take(batch)
                due += batch.spans.num_rows / rate

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _decode(self) -> SpanBatch:
        number, group = divmod(self._next, _GROUPS)
        templates = self.day.templates[group * _GROUP : (group + 1) * _GROUP]
        self._next += 1
        return self._decoder.decode([template.fresh(number, self.day.period) for template in templates]).batch
