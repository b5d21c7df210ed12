"""Forgets the oldest spans, by age and by size, in steps that are short for who writes meanwhile."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.housekeeping.periodic import Repeating

_log = logging.getLogger(__name__)

INTERVAL: Final = 10.0
"""Seconds between two looks at age and size."""

_AGE_SLACK: Final = 0.01
"""Share of the age that spans may stay beyond it: each time that any are deleted costs a checkpoint."""
# Of the largest size: where deleting begins, and where it ends. A log and a tick's growth fit into the rest.
_HIGH: Final = 0.90
_LOW: Final = 0.80

_STEP_GOAL: Final = 0.2
"""Seconds that writers may have to wait for one step; the number of spans in a step is set by that."""
_FIRST_STEP: Final = 20_000
_SMALLEST_STEP: Final = 1_000
_LARGEST_STEP: Final = 1_000_000
_DELETES: Final = (
    "events",
    "links",
    "correlations",
    "lag",
    "spans",
    "edges",
    "unmet_links",
    "digests",
    "ledger",
)
"""In this order: correlations are found by the spans, and the times of the lag by the ledger."""
_NS: Final = 1_000_000_000


class Limits(NamedTuple):
    """What is kept.

    Attributes:
        age: seconds since the spans arrived; None: no limit.
        size: bytes of the file in use and of its log; None: no limit.
    """

    age: float | None = None
    size: int | None = None


class Forgotten(NamedTuple):
    """What one look deleted.

    Attributes:
        spans: how many.
        longest_wait: seconds that writers waited at most, for a step or for the checkpoint.
    """

    spans: int
    longest_wait: float


NOTHING: Final = Forgotten(0, 0.0)


class Retention:
    """Deletes whole commits, the oldest first, with all that belongs to their spans.

    By commit and not by start: commits lie in the file in their order, so that whole blocks become free, the
    ledger stays true to the row, and an import of old spans stays as long as what arrived with it. The newest
    commit always stays: it holds the number that the next one goes on from. Resources and scopes stay too.

    Args:
        database: open to write.
        limits: what is kept.
        clock: ns since the epoch.
        pause: called between two steps with the seconds to let writers through; true ends it.
    """

    def __init__(
        self,
        database: Database,
        limits: Limits,
        clock: Callable[[], int] = time.time_ns,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self._database = database
        self._limits = limits
        self._clock = clock
        self._pause = pause or threading.Event().wait
        self._step = _FIRST_STEP

    def look(self) -> Forgotten:
        """Delete what is beyond the limits now.

        Raises:
            StoreError: DuckDB refused; what was deleted before stays so.
        """
        until = max(self._too_old(), self._too_many())
        if not until:
            return NOTHING
        spans, longest = self._delete_to(until)
        if not spans:
            return NOTHING
        return Forgotten(spans, max(longest, self._database.checkpoint()))

    def _too_old(self) -> int:
        """The newest commit that is older than the age; 0 when there is none, or not enough yet to bother."""
        age = self._limits.age
        if age is None:
            return 0
        now = self._clock()
        oldest = self._one("oldest_commit")
        if oldest is None or oldest > now - age * (1 + _AGE_SLACK) * _NS:
            return 0
        return self._one("commits_before", {"time": int(now - age * _NS)}) or 0

    def _too_many(self) -> int:
        """The newest commit to delete for the size to fit again; 0 when it fits."""
        limit = self._limits.size
        if limit is None:
            return 0
        size = self._database.size()
        if size.used + size.wal <= limit * _HIGH:
            return 0
        self._database.checkpoint()  # what stands in the log takes less in the file
        used = self._database.size().used
        if used <= limit * _HIGH:
            return 0
        return self._one("oldest_share", {"share": 1 - limit * _LOW / used}) or 0

    def _delete_to(self, until: int) -> tuple[int, float]:
        """Delete all commits up to one, step by step; how many spans, and the seconds of the longest step."""
        deleted, longest = 0, 0.0
        while (spans := self._delete_step(until)) is not None:
            count, seconds = spans
            deleted += count
            longest = max(longest, seconds)
            self._adapt(seconds)
            if self._pause(seconds):
                break
        return deleted, longest

    def _delete_step(self, until: int) -> tuple[int, float] | None:
        """Delete the oldest commits, about a step; None when there are none left to delete."""
        [(last, spans)] = self._rows("retention_step", {"until": until, "spans": self._step})
        if last is None or spans is None:
            return None
        with self._database.writing() as cursor:
            began = time.monotonic()
            for name in _DELETES:
                cursor.execute(sql(f"housekeeping/delete_{name}"), {"until": last})
        return spans, time.monotonic() - began

    def _adapt(self, seconds: float) -> None:
        factor = min(2.0, max(0.25, _STEP_GOAL / max(seconds, 1e-3)))
        self._step = round(min(_LARGEST_STEP, max(_SMALLEST_STEP, self._step * factor)))

    def _one(self, query: str, parameters: dict[str, object] | None = None) -> int | None:
        [(value,)] = self._rows(query, parameters)
        return value

    def _rows(self, query: str, parameters: dict[str, object] | None = None) -> list[tuple[int | None, ...]]:
        with self._database.reading() as cursor:
            return cursor.execute(sql(f"housekeeping/{query}"), parameters or {}).fetchall()


class RetentionThread(Repeating):
    """Looks on a timer, in a thread of its own.

    Args:
        database: open to write.
        limits: what is kept.
        forgotten: told of each look that deleted anything.
    """

    def __init__(self, database: Database, limits: Limits, forgotten: Callable[[Forgotten], None]) -> None:
        super().__init__("laban-retention", INTERVAL, "The retention could not delete")
        self._retention = Retention(database, limits, pause=self.pause)
        self._forgotten = forgotten

    def work(self) -> None:
        """Look once."""
        found = self._retention.look()
        if found.spans:
            _log.info(
                "Retention: deleted %d spans; writers waited %.0f ms at most.",
                found.spans,
                found.longest_wait * 1e3,
            )
            self._forgotten(found)
