"""The thread that counts edges, and then profiles, as spans arrive; queries can wait for the edges."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from laban_collector.errors import StoreError
from laban_collector.store.base import DEFAULT_NAMES, NameLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.profiles.schedule import ProfileSchedule
from laban_collector.store.duckdb.totals.counter import TotalsCounter

if TYPE_CHECKING:
    from laban_collector.store.duckdb.profiles.counter import ProfileCounter

_log = logging.getLogger(__name__)

FLOOD: Final = 200_000
"""Spans in ten seconds; while more arrive, graphs do not wait for the newest spans."""
_FLOOD_TIME: Final = 10.0
STREAM: Final = 10_000
"""The same for spans that keep coming: a graph would wait each time. One burst of them is waited for."""
_STREAM_TIME: Final = 5.0
_PAUSE: Final = 4.0
"""Seconds without new spans after which a flood is over; loads are at most two seconds apart."""
MANY: Final = 1_000_000
"""With more uncounted spans than this, queries do not wait, and the graph is computed from the spans."""
_INTERVAL: Final = 5.0
"""Seconds after which even a few spans are counted, although no client waits."""
_ENOUGH: Final = 400_000
"""Number of spans that are counted without waiting for more."""
_COMPACT: Final = 60.0
"""Seconds between two runs that add up counts made in parts."""
_RETRY: Final = 1.0
"""Seconds to wait after a failed attempt."""
_LONGEST_SETTLE: Final = 5.0


class _Commit(NamedTuple):
    sequence: int
    spans: int
    at: float


class EdgeCountingThread:
    """Counts edges in a separate thread, and profiles while there are no edges to count.

    Args:
        database: open for writing.
        commit_ranges: of the same database.
        names: the names that are counted in an hour.
        clock: monotonic seconds.
        profiles: counts what traces look like; None: nothing does.
        totals: keeps the totals for metrics; None: nothing does.
    """

    def __init__(
        self,
        database: Database,
        commit_ranges: CommitRanges,
        names: NameLimits = DEFAULT_NAMES,
        clock: Callable[[], float] = time.monotonic,
        profiles: "ProfileCounter | None" = None,
        totals: TotalsCounter | None = None,
    ) -> None:
        self._counter = EdgeCounter(database, commit_ranges, names=names, totals=totals)
        self._totals = totals
        self._profiles = ProfileSchedule(profiles, clock)
        self._clock = clock
        self._changed = threading.Condition()
        self._commits: deque[_Commit] = deque()
        """Stored and uncounted commits, the oldest first."""
        self._latest: deque[_Commit] = deque()
        """The commits of the last ten seconds."""
        self._counted = 0
        self._wanted = 0
        self._awaited = 0
        self._failing = False
        self._stopping = False
        self._compact_at = clock() + _COMPACT
        self._thread = threading.Thread(target=self._run, name="laban-edges")

    @property
    def uncounted(self) -> int:
        """The number of stored and uncounted spans."""
        with self._changed:
            return self._spans()

    @property
    def others(self) -> dict[str, int]:
        """The calls that were counted for other nodes since the start, by node."""
        return dict(self._counter.others)

    @property
    def flooded(self) -> bool:
        """Whether spans arrive so fast that graphs may miss the newest ones."""
        with self._changed:
            return self._is_flooded()

    def start(self, sequence: int) -> None:
        """Start counting, first the commits that an earlier process left.

        Args:
            sequence: of the newest commit.

        Raises:
            StoreError: DuckDB refused.
        """
        self._counter.load_totals()
        left = self._counter.uncounted()
        if left > MANY:
            _log.info("Counting the calls and messages of %d spans; until then graphs take longer.", left)
        if left:
            self._commits.append(_Commit(sequence, left, self._clock()))
        self._thread.start()

    def stop(self) -> None:
        """Count the remaining spans unless there are very many, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def stored(self, sequence: int, spans: int, awaited: bool) -> None:  # noqa: FBT001 - called by position
        """Record a stored commit.

        Args:
            sequence: of the commit.
            spans: number of new spans.
            awaited: whether a client waits for them; then no later graph may miss them.
        """
        with self._changed:
            commit = _Commit(sequence, spans, self._clock())
            self._commits.append(commit)
            self._latest.append(commit)
            if awaited:
                self._awaited = sequence
            self._profiles.stored()
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait until the spans that a graph must contain are counted, or cannot be; the others come next."""
        with self._changed:
            needed = self._needed()
            # In a flood, each graph would start a step, and steps cost more the smaller they are.
            if self._commits and (needed > self._counted or not self._is_flooded()):
                self._wanted = self._commits[-1].sequence
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._counted >= needed or self._failing or self._stopping, _LONGEST_SETTLE
            )

    def _needed(self) -> int:
        """Return the commit to wait for: the newest; in a flood the awaited one; with very many spans
        none."""
        if not self._commits or self._spans() > MANY:
            return 0
        return self._awaited if self._is_flooded() else self._commits[-1].sequence

    def _is_flooded(self) -> bool:
        while self._latest and self._latest[0].at < self._clock() - _FLOOD_TIME:
            self._latest.popleft()
        if not self._latest or self._latest[-1].at < self._clock() - _PAUSE:
            return False
        spans = sum(commit.spans for commit in self._latest)
        keep_coming = self._latest[-1].at - self._latest[0].at >= _STREAM_TIME
        return spans > FLOOD or (keep_coming and spans > STREAM)

    def _spans(self) -> int:
        return sum(commit.spans for commit in self._commits)

    def _run(self) -> None:
        while self._wait():
            is_edges = self._edges_are_due()
            if not is_edges and not self._totals_are_due():
                self._profiles.run()
                continue
            try:
                if is_edges:
                    self._count()
                else:
                    self._counter.settle_totals()
            except Exception as error:  # noqa: BLE001 - after any error the next attempt may succeed
                if not self._failing:
                    _log.error(
                        "Calls and messages cannot be counted: %s. Trying again.",
                        error,
                        exc_info=None if isinstance(error, StoreError) else error,
                    )
                with self._changed:
                    self._failing = True
                    self._changed.notify_all()
            else:
                self._failing = False
        self._profiles.finish()

    def _edges_are_due(self) -> bool:
        with self._changed:
            return self._stopping or self._time_left_for_edges() == 0

    def _totals_are_due(self) -> bool:
        return self._totals is not None and self._totals.time_left == 0

    def _wait(self) -> bool:
        """Wait until there is something to count; return False if the thread must end."""
        with self._changed:
            if self._failing:
                self._changed.wait_for(lambda: self._stopping, _RETRY)
            while not self._stopping and (wait := self._time_left()) != 0:
                self._changed.wait(wait)
            if not self._stopping:
                return True
            return bool(self._commits) and not self._failing and self._spans() <= MANY

    def _time_left(self) -> float | None:
        """Return the seconds until there is something to do; None: wait for the next commit."""
        left = [self._time_left_for_edges(), self._profiles.time_left()]
        if self._totals is not None:
            left.append(self._totals.time_left)
        return min((one for one in left if one is not None), default=None)

    def _time_left_for_edges(self) -> float | None:
        if not self._commits:
            return None
        if self._wanted > self._counted or self._spans() >= _ENOUGH:
            return 0
        return max(self._commits[0].at + _INTERVAL - self._clock(), 0)

    def _count(self) -> None:
        with self._changed:
            newest = self._commits[-1].sequence
        counted = self._counter.count_next() or newest
        with self._changed:
            while self._commits and self._commits[0].sequence <= counted:
                self._commits.popleft()
            self._counted = counted
            self._changed.notify_all()
        if self._stopping or self._clock() >= self._compact_at:
            self._counter.compact()
            self._compact_at = self._clock() + _COMPACT
