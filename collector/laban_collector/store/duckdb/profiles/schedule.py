"""Says when profiles are counted, and counts them."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from laban_collector.errors import StoreError
from laban_collector.store.duckdb.profiles.counter import DELAY

if TYPE_CHECKING:
    from laban_collector.store.duckdb.profiles.counter import ProfileCounter

_log = logging.getLogger(__name__)

_INTERVAL: Final = 10.0
"""Seconds between two counts while spans arrive; each has a fixed cost."""
_COMPACT: Final = 60.0
"""Seconds between two runs that add up counts made in parts."""
_RETRY: Final = 5.0
_LAST: Final = 2.0
"""Seconds that the last counts may take when the collector stops; the next start continues."""


class ProfileSchedule:
    """When to count profiles. One thread counts; `stored` and `time_left` are called under its lock.

    Args:
        counter: counts them; None: there is never anything to do.
        clock: monotonic seconds.
    """

    def __init__(self, counter: "ProfileCounter | None", clock: Callable[[], float]) -> None:
        self._counter = counter
        self._clock = clock
        self._due: float | None = None if counter is None else clock()
        """When to count next; None: when there is a commit."""
        self._compact_at = clock() + _COMPACT
        self._failing = False

    def stored(self) -> None:
        """Record that there is a new commit."""
        if self._due is None and self._counter is not None:
            self._due = self._clock() + DELAY / 1e9

    def time_left(self) -> float | None:
        """Return the seconds until there is something to count; None: nothing is left."""
        return None if self._due is None else max(self._due - self._clock(), 0)

    def run(self) -> None:
        """Count the traces of the next commits that are old enough."""
        counter = self._counter
        if counter is None:
            return
        self._due = self._clock() + _INTERVAL
        try:
            if counter.count_next():
                self._due = self._clock()  # there may be more
            elif counter.oldest() is None:
                self._due = None
            if self._clock() >= self._compact_at:
                self._compact_at = self._clock() + _COMPACT
                counter.compact()
        except Exception as error:  # noqa: BLE001 - after any error the next attempt may succeed
            self._due = self._clock() + _RETRY
            if not self._failing:
                unexpected = None if isinstance(error, StoreError) else error
                _log.error("What is usual cannot be counted: %s. Trying again.", error, exc_info=unexpected)
            self._failing = True
        else:
            self._failing = False

    def finish(self) -> None:
        """Count what is left without delay, as far as there is time; call it before the thread ends."""
        counter = self._counter
        if counter is None or self._failing:
            return
        until = self._clock() + _LAST
        try:
            while self._clock() < until and counter.count_next(delay=0):
                pass
            counter.compact()
        except Exception as error:  # noqa: BLE001 - the next start counts them
            unexpected = None if isinstance(error, StoreError) else error
            _log.error("What is usual is counted after the next start: %s.", error, exc_info=unexpected)
