"""Group commit: waiting requests form groups that share one decoding and one commit."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from laban_collector.decode.results import RequestOutcome
from laban_collector.errors import NotAccepting, Overloaded

_OVERLAP: Final = 4
"""A group that has this part of a commit's bytes is decoded while another one is written."""
_SMALL: Final = 8
"""A group that has less than this part of a commit's bytes is small."""
_LONGEST_WAIT: Final = 0.05
"""Seconds that a small group waits at most for more requests, after the group before it was answered."""
_QUIET: Final = 0.0015
_QUIET_PART: Final = 2
"""After this many seconds without a request a small group waits no longer: all senders have sent. If the last
group took longer, after this part of its time: the machine is busy, and so are the senders."""

RETRY_AFTER: Final = 1.0
"""Seconds after which a sender that is told to retry should do so."""


class Limits(NamedTuple):
    """How much a pipeline takes at once.

    Attributes:
        in_flight_bytes: bytes that may be accepted and not yet answered; beyond it `Overloaded` is raised.
        commit_bytes: bytes at which a commit takes no more requests.
        commit_delay: minimum number of seconds between the starts of two commits.
    """

    in_flight_bytes: int
    commit_bytes: int
    commit_delay: float


class Request(NamedTuple):
    """A body, and the function that takes its outcome."""

    body: bytes
    answer: Callable[[RequestOutcome], object]


class GroupCommit:
    """Requests that wait to be decoded. One thread takes groups of them; any thread may add requests.

    Args:
        limits: how much is taken at once.
        clock: seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._changed = threading.Condition()
        self._requests: deque[Request] = deque()
        self._bytes = 0
        """Of the requests that wait."""
        self._in_flight = 0
        self._accepting = False
        self._writer_idle = True
        self._began = 0.0
        self._wait = 0.0
        self._quiet = _QUIET
        self._until = 0.0
        self._expected = 0
        """Requests that will wait once all senders that were answered last have sent again."""

    def open(self) -> None:
        """Start to take requests."""
        with self._changed:
            self._accepting = True

    def close(self) -> bool:
        """Take no more requests; return whether any were taken until now."""
        with self._changed:
            closed, self._accepting = self._accepting, False
            self._changed.notify_all()
            return closed

    def add(self, request: Request) -> None:
        """Add a request.

        Raises:
            Overloaded: too many bytes are in flight.
            NotAccepting: no requests are taken yet, or any longer.
        """
        size = len(request.body)
        with self._changed:
            if not self._accepting:
                raise NotAccepting("The collector is stopping; try again when it is back.")
            if self._in_flight + size > self._limits.in_flight_bytes:
                raise Overloaded(
                    f"{self._in_flight} bytes are waiting to be stored, and at most "
                    f"{self._limits.in_flight_bytes} may (max_in_flight_bytes): try again later.",
                    RETRY_AFTER,
                )
            self._in_flight += size
            self._bytes += size
            self._requests.append(request)
            # Waking the thread for each of many small requests would cost more than reading them.
            if len(self._requests) in (1, self._expected) or self._has_enough():
                self._changed.notify_all()

    def release(self, requests: Sequence[Request]) -> None:
        """Make room: these requests are answered, or about to be."""
        size = sum(len(request.body) for request in requests)
        with self._changed:
            self._in_flight -= size
            self._expected = len(requests) + len(self._requests)
            self._until = self._clock() + self._wait

    def next_group(self) -> list[Request]:
        """Wait for the next group, and return it; an empty list if there will be no more."""
        with self._changed:
            self._changed.wait_for(self._may_begin)
            self._await_more()
            self._began = self._clock()
            return self._take()

    def decoded(self, requests: Sequence[Request]) -> None:
        """Note that a group is ready to be written, and set how long the next one waits for more requests.

        A small group takes about as long as one several times its size, so it is worth waiting for more
        senders if there are several.
        """
        small = sum(len(request.body) for request in requests) * _SMALL < self._limits.commit_bytes
        taken = self._clock() - self._began
        with self._changed:
            several = len(requests) + len(self._requests) > 1
            self._quiet = max(_QUIET, taken / _QUIET_PART)
            self._wait = min(2 * taken, _LONGEST_WAIT) if small and several else 0.0

    def set_writer(self, *, idle: bool) -> None:
        """Note whether the writer has nothing to do."""
        with self._changed:
            self._writer_idle = idle
            if idle:
                self._changed.notify_all()

    def _has_enough(self) -> bool:
        return self._bytes * _OVERLAP >= self._limits.commit_bytes

    def _may_begin(self) -> bool:
        if not self._accepting:
            return True
        return bool(self._requests) and (self._writer_idle or self._has_enough())

    def _await_more(self) -> None:
        """Wait until the delay is over, and while a small group still grows."""
        until = self._began + self._limits.commit_delay
        while self._is_short() and (rest := until - self._clock()) > 0:
            self._changed.wait(rest)
        count = -1
        while self._is_short() and not self._has_enough() and count < len(self._requests) < self._expected:
            rest = self._until - self._clock()
            if rest <= 0:
                break
            count = len(self._requests)
            self._changed.wait(min(rest, self._quiet))

    def _is_short(self) -> bool:
        return self._accepting and self._bytes < self._limits.commit_bytes

    def _take(self) -> list[Request]:
        taken: list[Request] = []
        size = 0
        while self._requests and size < self._limits.commit_bytes:
            request = self._requests.popleft()
            taken.append(request)
            size += len(request.body)
        self._bytes -= size
        return taken
