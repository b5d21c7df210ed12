"""Spans that do not arrive: counted, and said once a minute, so that a gap in a trace can be explained."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

logger: Final = logging.getLogger("laban")

INTERVAL_S: Final = 60.0
"""Between two lines of the log."""


class Losses:
    """Counts the spans of this process that were lost, and logs them at the first one, then once a minute.

    Attributes:
        total: spans lost so far.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` answers seconds."""
        self.total = 0
        self._clock = clock
        self._unsaid: dict[str, int] = {}
        self._said_at = float("-inf")
        self._lock = threading.Lock()

    def add(self, count: int, why: str) -> None:
        """Count lost spans.

        Args:
            count: of spans.
            why: they were lost, as the log is to say it.
        """
        with self._lock:
            self.total += count
            self._unsaid[why] = self._unsaid.get(why, 0) + count
            now = self._clock()
            due = now - self._said_at >= INTERVAL_S
            if due:
                self._said_at = now
        if due:
            self.say()

    def say(self) -> None:
        """Log what has not been logged yet, if anything."""
        with self._lock:
            unsaid, self._unsaid = self._unsaid, {}
        if unsaid:
            reasons = ", ".join(f"{count} because {why}" for why, count in unsaid.items())
            logger.warning("laban lost spans: %s; %d since the start", reasons, self.total)
