"""A store that holds a shop's spans, filled quickly: one thread decodes while another one writes."""

import queue
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from benchmarks.workload.shop import Day, one_day
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar.decoder import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter

REQUEST: Final = 512
A_SECOND: Final = 1_000
"""Spans of a second of the shop's time."""
INCOMING: Final = 50_000
"""Spans a second that come in while questions are asked."""
LATEST: Final = 10
"""Rounds that a span is late at most: seven minutes."""

_GROUP: Final = 20
"""Requests of a commit: some 10,000 spans."""
_LOADED: Final = 12
"""Groups that are loaded together, as a collector does that is kept busy."""
_GROUPS: Final = 4
"""Commits of a round."""


class Filler:
    """Writes spans, a commit after the other, for ever new; goes on after what it wrote before.

    Args:
        database: open to write.
        held: how many spans a filler wrote into it before.
    """

    def __init__(self, database: Database, held: int = 0) -> None:
        self.day: Day = one_day(_GROUP * _GROUPS, REQUEST, a_second=A_SECOND, latest=LATEST)
        self._writer = DuckDBWriter(database)
        self._finder = KeyFinder()
        self._next = held // (_GROUP * REQUEST)

    @property
    def rounds(self) -> int:
        """How many rounds are whole."""
        return self._next // _GROUPS

    def fill(self, spans: int) -> int:
        """Write at least so many; returns how many."""
        groups = -(-spans // (_GROUP * REQUEST))
        decoded: queue.Queue[SpanBatch] = queue.Queue(_LOADED)

        def run() -> None:
            for _ in range(groups):
                decoded.put(self._decode())

        thread = threading.Thread(target=run, daemon=True)  # a failed write must not leave us waiting for it
        thread.start()
        stored = 0
        for first in range(0, groups, _LOADED):
            batches = [decoded.get() for _ in range(min(_LOADED, groups - first))]
            written = self._writer.load(batches, self._writer.sequence + len(batches))
            stored += sum(one.spans for one in written)
        thread.join()
        return stored

    @contextmanager
    def coming_in(self, take: Callable[[SpanBatch], object]) -> Generator[None, None, None]:
        """Spans come in at a steady rate, or as near to it as the machine can, until the block ends."""
        over = threading.Event()

        def run() -> None:
            due = time.monotonic()
            while not over.wait(max(due - time.monotonic(), 0)):
                batch = self._decode()
                take(batch)
                due += batch.spans.num_rows / INCOMING

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
        return decode([template.fresh(number, self.day.period) for template in templates], self._finder).batch
