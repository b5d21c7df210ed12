"""How the log of a partition has grown."""

from bisect import bisect_right
from typing import Final

_KEPT: Final = 720
"""Changes kept: at least an hour at the default interval."""


class LogHistory:
    """The end offset of a partition over time."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._ends: list[int] = []

    def add(self, time: int, end: int) -> None:
        """Add a reading (ns). A lower end than before begins a new history: the topic was made anew."""
        if self._ends and end < self._ends[-1]:
            self._times, self._ends = [], []
        if self._ends[-2:] == [end, end]:  # of equal readings, the first and the last say all
            self._times[-1] = time
            return
        self._times.append(time)
        self._ends.append(end)
        if len(self._ends) > _KEPT + _KEPT // 4:
            del self._times[:-_KEPT], self._ends[:-_KEPT]

    def passed(self, offset: int) -> int | None:
        """Return when (ns) the end passed an offset; None if that was before the first reading, or never.

        Between two readings, the log is assumed to grow evenly.
        """
        after = bisect_right(self._ends, offset)
        if after in (0, len(self._ends)):
            return None
        begin, end = self._ends[after - 1], self._ends[after]
        began, ended = self._times[after - 1], self._times[after]
        return round(began + (offset - begin) / (end - begin) * (ended - began))
