"""Failed commits in the log: a full disk fails each of them, and one line now and then says enough."""

import logging
import time
from collections.abc import Callable
from typing import Final

from laban_collector.errors import StoreUnwritable

_log = logging.getLogger(__name__)

_EVERY: Final = 10.0
"""Seconds between two lines about a disk that takes no more, at least."""


class CommitFailures:
    """Tells of them.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until = float("-inf")
        self._untold = 0

    def tell(self, error: Exception, requests: int) -> None:
        """Log a failure of so many requests, with a traceback unless it is the disk's."""
        if not isinstance(error, StoreUnwritable):
            _log.error("A commit failed; %d request(s) were not stored.", requests, exc_info=error)
            return
        self._untold += requests
        now = self._clock()
        if now < self._quiet_until:
            return
        _log.error(
            "The disk takes no more; %d request(s) were put off, and their senders try again. "
            "Make room there. %s",
            self._untold,
            error,
        )
        self._quiet_until, self._untold = now + _EVERY, 0
