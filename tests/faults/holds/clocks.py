"""The clock of the collector jumps by hours back and forth, five times in each of `count` starts.

The collector runs with a clock that the drill sets. No acknowledged span is lost, and retention deletes no
span because of a jump back.
"""

import time
from pathlib import Path
from typing import Final
from unittest.mock import patch

from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.durability.recovery import open_or_quarantine
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.store import DuckDBStore

from ...collector.requests import span
from ...collector.store.duckdb.write.test_writer import batch
from ..drills import chances
from ..sending import stored
from . import Held, Size

_HOUR: Final = 3600
_DAY_S: Final = 86_400


class _Clock:
    """The real clock, and how many seconds it is ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._real = time.time_ns

    def now(self) -> int:
        """Return ns since the epoch."""
        return self._real() + int(self.ahead * 10**9)


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    path, chance, number = folder / "clocks.duckdb", chances(size.seed), 0
    clock = _Clock()
    for _ in range(size.count):
        with (
            patch("time.time_ns", clock.now),
            open_or_quarantine(path) as database,
        ):
            storage = StorageService(DuckDBStore(database), RetentionLimits(age=_DAY_S))
            storage.start()
            assert storage.report.agrees, storage.report.in_words()
            for _ in range(5):
                clock.ahead = chance.uniform(-20 * _HOUR, 0) if chance.random() < 0.7 else 0.0
                storage.take(batch(span(number), span(number + 1)))
                number += 2
                storage.settle()
                Retention(database, RetentionLimits(age=_DAY_S), clock=time.time_ns).run()
            storage.stop()
    names = stored(path)
    assert sorted(names) == sorted(f"span {one}" for one in range(number)), (len(names), number)
    return Held(
        f"{size.count * 5:,} jumps, {size.count:,} starts",
        f"{number:,} spans acknowledged, 0 lost or deleted",
    )
