"""Retention: deletes the oldest spans by age and by size, in steps that block writers only briefly."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import duckdb

from laban_collector.periodic import PeriodicThread
from laban_collector.store.base import Deleted, RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.rows import MINUTE, PLAUSIBLE_SINCE

_log = logging.getLogger(__name__)

INTERVAL: Final = 10.0
"""Seconds between two checks of age and size."""

_AGE_SLACK: Final = 0.01
"""Fraction by which spans may exceed the age limit, because each deletion costs a checkpoint."""
# Fractions of the size limit: deletion starts at the first and ends at the second. The remaining space is for
# the log and for growth between two checks.
_HIGH: Final = 0.90
_LOW: Final = 0.80

_STEP_GOAL: Final = 0.2
"""Seconds that writers may wait for one step; the number of spans in a step is adapted to it."""
_FIRST_STEP: Final = 20_000
_SMALLEST_STEP: Final = 1_000
_LARGEST_STEP: Final = 1_000_000
_DELETES: Final = (
    "events",
    "links",
    "correlations",
    "lag",
    "lag_problems",
    "logs",
    "spans",
    "edges",
    "odd_edges",
    "contracts",
    "odd_contracts",
    "profiles",
    "unmet_links",
    "digests",
    "ledger",
)
"""The order matters: correlations are found by their spans, and lag and log rows by the ledger."""
_BY_MINUTE: Final = ("edges", "odd_edges", "contracts", "odd_contracts", "profiles")
_NS: Final = 1_000_000_000


NOTHING: Final = Deleted(0, 0.0)


class Retention:
    """Deletes whole commits, oldest first, with all rows that belong to their spans.

    Their age is the time since they arrived, so a wrong date of a span does not matter. Commits are in the
    file in order, so deleting by commit frees whole blocks and keeps the ledger exact.
    Imported old spans stay as long as the spans that arrived with them. The newest commit always stays,
    because the next sequence depends on it. Resources and scopes stay too.

    Args:
        database: open for writing.
        limits: the retention limits.
        clock: ns since the epoch.
        pause: called between two steps with the seconds to leave to writers; returns True to end the run.
    """

    def __init__(
        self,
        database: Database,
        limits: RetentionLimits,
        clock: Callable[[], int] = time.time_ns,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self._database = database
        self._limits = limits
        self._clock = clock
        self._pause = pause or threading.Event().wait
        self._step = _FIRST_STEP
        self._logs = 0

    def run(self) -> Deleted:
        """Delete the spans that exceed the limits now.

        Raises:
            StoreError: DuckDB refused; earlier steps stay deleted.
        """
        self._logs = self._delete_old_logs()
        until = max(self._newest_too_old(), self._newest_too_many())
        spans, longest = self._delete_to(until) if until else (0, 0.0)
        if not spans:
            return NOTHING._replace(logs=self._logs)
        return Deleted(spans, max(longest, self._database.checkpoint()), self._logs)

    def _delete_old_logs(self) -> int:
        """Delete the log records beyond their own age limit; return how many."""
        age = self._limits.logs
        if age is None:
            return 0
        now, oldest = self._clock(), self._one("oldest_log")
        if oldest is None or oldest > now - age * (1 + _AGE_SLACK) * _NS:
            return 0
        with self._database.writing() as cursor:
            cursor.execute(sql("housekeeping/delete_logs_before"), {"time": int(now - age * _NS)})
            return _affected(cursor)

    def _newest_too_old(self) -> int:
        """Return the newest commit beyond the age limit; 0 if there is too little to delete."""
        age = self._limits.age
        if age is None:
            return 0
        now = self._clock()
        oldest = self._one("oldest_commit")
        if oldest is None or oldest > now - age * (1 + _AGE_SLACK) * _NS:
            return 0
        return self._one("commits_before", {"time": int(now - age * _NS)}) or 0

    def _newest_too_many(self) -> int:
        """Return the newest commit to delete to meet the size limit; 0 if the size is below it."""
        limit = self._limits.size
        if limit is None:
            return 0
        size = self._database.size()
        if size.used + size.wal <= limit * _HIGH:
            return 0
        self._database.checkpoint()  # the log takes less space once it is in the file
        used = self._database.size().used
        if used <= limit * _HIGH:
            return 0
        return self._one("oldest_share", {"share": 1 - limit * _LOW / used}) or 0

    def _delete_to(self, until: int) -> tuple[int, float]:
        """Delete all commits up to `until`; return the number of spans, and the seconds of the longest
        step."""
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
        """Delete about one step of the oldest commits; return None if there is nothing left to delete."""
        [(last, spans)] = self._rows("retention_step", {"until": until, "spans": self._step})
        if last is None or spans is None:
            return None
        with self._database.writing() as cursor:
            began = time.monotonic()
            for name in _DELETES:
                odd = {"odd": PLAUSIBLE_SINCE // MINUTE} if name in _BY_MINUTE else {}
                cursor.execute(sql(f"housekeeping/delete_{name}"), {"until": last, **odd})
                self._logs += _affected(cursor) if name == "logs" else 0
            cursor.execute(sql("housekeeping/delete_profile_steps"))
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


def _affected(cursor: duckdb.DuckDBPyConnection) -> int:
    """How many rows the statement has deleted."""
    [(count,)] = cursor.fetchall()
    return int(count)


class RetentionThread(PeriodicThread):
    """Runs the retention every few seconds.

    Args:
        database: open for writing.
        limits: the retention limits.
        deleted: called after each run that deleted spans or log records.
    """

    def __init__(
        self, database: Database, limits: RetentionLimits, deleted: Callable[[Deleted], None]
    ) -> None:
        super().__init__("laban-retention", INTERVAL, "The retention could not delete spans")
        self._retention = Retention(database, limits, pause=self.pause)
        self._deleted = deleted

    def work(self) -> None:
        """Run the retention once."""
        found = self._retention.run()
        if found.spans:
            _log.info(
                "Retention: deleted %d spans; writers waited %.0f ms at most.",
                found.spans,
                found.longest_wait * 1e3,
            )
        if found.spans or found.logs:
            self._deleted(found)
