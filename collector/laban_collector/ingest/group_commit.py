"""Requests that wait, gathered to groups: what shares a decoding and a commit."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from laban_collector.decode.results import RequestOutcome
from laban_collector.errors import NotAccepting, Overloaded

_OVERLAP: Final = 4
"""A group is decoded while another one is written when it has this part of a commit's bytes."""
_SMALL: Final = 8
"""A group is small when it has less than this part of a commit's bytes."""
_LONGEST_WAIT: Final = 0.05
"""Seconds that a small group waits for more requests at most, after the one before it was answered."""
_QUIET: Final = 0.0015
_QUIET_PART: Final = 2
"""Seconds in which no request came, and after which a small group waits no longer: all who send have sent. Or
this part of what the last group took, where that is longer: the machine is busy, and so are they."""

RETRY_AFTER: Final = 1.0
"""Seconds after which a sender that was put off should try again."""


class Limits(NamedTuple):
    """How much a pipeline takes at once.

    Attributes:
        in_flight_bytes: accepted and not yet answered; beyond it `Overloaded`.
        commit_bytes: where a commit takes no more requests.
        commit_delay: seconds between the starts of two commits at least.
    """

    in_flight_bytes: int
    commit_bytes: int
    commit_delay: float


class Request(NamedTuple):
    """A body, and whom to tell what became of it."""

    body: bytes
    answer: Callable[[RequestOutcome], object]


class Waiting:
    """Requests that wait to be decoded. One thread gathers them; any may add to them.

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
        """Of those that wait."""
        self._in_flight = 0
        self._accepting = False
        self._writer_idle = True
        self._began = 0.0
        self._wait = 0.0
        self._quiet = _QUIET
        self._until = 0.0
        self._expected = 0
        """Requests that there will be when all who were answered last have sent again."""

    def open(self) -> None:
        """Begin to take requests."""
        with self._changed:
            self._accepting = True

    def close(self) -> bool:
        """Take no more; whether any were taken until now."""
        with self._changed:
            closed, self._accepting = self._accepting, False
            self._changed.notify_all()
            return closed

    def add(self, request: Request) -> None:
        """Take a request.

        Raises:
            Overloaded: too many bytes are in flight.
            NotAccepting: nothing is taken yet, or any more.
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
            # To wake the thread for each of many small requests would cost more than to read them.
            if len(self._requests) in (1, self._expected) or self._has_enough():
                self._changed.notify_all()

    def release(self, requests: Sequence[Request]) -> None:
        """These are answered, or about to be: others may take their place."""
        size = sum(len(request.body) for request in requests)
        with self._changed:
            self._in_flight -= size
            self._expected = len(requests) + len(self._requests)
            self._until = self._clock() + self._wait

    def gather(self) -> list[Request]:
        """The next group, when it is time for it; none when there will be no more."""
        with self._changed:
            self._changed.wait_for(self._may_begin)
            self._await_more()
            self._began = self._clock()
            return self._take()

    def decoded(self, requests: Sequence[Request]) -> None:
        """A group is ready to be written: the next one is gathered accordingly.

        A small one takes about as long as one that is some times larger, so where several senders send it is
        worth to wait for more of them.
        """
        small = sum(len(request.body) for request in requests) * _SMALL < self._limits.commit_bytes
        taken = self._clock() - self._began
        with self._changed:
            several = len(requests) + len(self._requests) > 1
            self._quiet = max(_QUIET, taken / _QUIET_PART)
            self._wait = min(2 * taken, _LONGEST_WAIT) if small and several else 0.0

    def writing(self, *, idle: bool) -> None:
        """The writer has something to do, or nothing."""
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
        """Until the delay is over, and while a small group becomes larger."""
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
