"""Counts spans that could not be exported and logs the count once a minute, to explain gaps in traces."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

logger: Final = logging.getLogger("laban")

INTERVAL_S: Final = 60.0
"""Between two log lines."""


class LostSpans:
    """Counts the lost spans of this process. Logs the first loss at once, later ones once a minute.

    Attributes:
        total: spans lost so far.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds."""
        self.total = 0
        self._clock = clock
        self._unreported: dict[str, int] = {}
        self._reported_at = float("-inf")
        self._lock = threading.Lock()

    def add(self, count: int, reason: str) -> None:
        """Count lost spans.

        Args:
            count: number of spans.
            reason: completes the log line "… because REASON".
        """
        with self._lock:
            self.total += count
            self._unreported[reason] = self._unreported.get(reason, 0) + count
            now = self._clock()
            due = now - self._reported_at >= INTERVAL_S
            if due:
                self._reported_at = now
        if due:
            self.report()

    def report(self) -> None:
        """Log the losses that have not been logged yet, if any."""
        with self._lock:
            unreported, self._unreported = self._unreported, {}
        if unreported:
            reasons = ", ".join(f"{count} because {reason}" for reason, count in unreported.items())
            logger.warning("laban lost spans: %s; %d since the start", reasons, self.total)
