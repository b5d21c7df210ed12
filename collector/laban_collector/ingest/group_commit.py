"""Group commit: waiting requests form groups that share one decoding and one commit."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from laban_collector.decode.results import RequestOutcome
from laban_collector.errors import NotAccepting, Overloaded

_OVERLAP: Final = 4
"""A group that has 1/4 of a commit's bytes is decoded while another group is written."""
_SMALL: Final = 8
"""A group that has less than 1/8 of a commit's bytes is small."""
_LONGEST_WAIT: Final = 0.05
"""Maximum seconds that a small group waits for more requests after the previous group was answered."""
_QUIET: Final = 0.0015
_QUIET_PART: Final = 2
"""A small group stops waiting after this many seconds without a request: all senders have sent. If the last
group took longer, it stops after half of that time: the machine is busy, and so are the senders."""
_LITTLE: Final = 1 << 16
"""Bytes of a little request. Little requests overtake large ones: these cost others up to a group's time."""
_FAIR_TIME: Final = 0.15
"""Seconds of processor time that a group may take to decode, so that others need not wait longer. Only
requests with very many distinct values take so long."""

RETRY_AFTER: Final = 1.0
"""Seconds that a sender waits before it retries."""


class Limits(NamedTuple):
    """The limits of a pipeline.

    Attributes:
        in_flight_bytes: maximum bytes accepted and not yet answered; beyond it, `Overloaded` is raised.
        commit_bytes: bytes from which a commit takes no more requests.
        commit_delay: minimum number of seconds between the starts of two commits.
    """

    in_flight_bytes: int
    commit_bytes: int
    commit_delay: float


class Request(NamedTuple):
    """A request body, and the callback for its outcome."""

    body: bytes
    answer: Callable[[RequestOutcome], object]


class GroupCommit:
    """The queue of requests to decode. One thread takes groups of them; any thread may add requests.

    Args:
        limits: the limits of the pipeline.
        clock: monotonic seconds.
        cpu_clock: seconds of processor time of the thread that takes the groups.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._cpu_began = 0.0
        self._changed = threading.Condition()
        self._requests: deque[Request] = deque()
        self._bytes = 0
        """Bytes of the waiting requests."""
        self._in_flight = 0
        self._taken_bytes = 0
        self._most_bytes = limits.commit_bytes
        """Bytes of requests that can be decoded in a fair time, to judge from the latest large ones."""
        self._was_large = False
        """Whether the latest group had large requests; then the little ones are next."""
        self._accepting = False
        self._writer_idle = True
        self._began = 0.0
        self._wait = 0.0
        self._quiet = _QUIET
        self._until = 0.0
        self._expected = 0
        """Number of waiting requests once every sender that was answered last has sent again."""

    def open(self) -> None:
        """Start accepting requests."""
        with self._changed:
            self._accepting = True

    def close(self) -> bool:
        """Stop accepting requests; return whether requests were accepted until now."""
        with self._changed:
            closed, self._accepting = self._accepting, False
            self._changed.notify_all()
            return closed

    def add(self, request: Request) -> None:
        """Add a request.

        Raises:
            Overloaded: too many bytes are in flight.
            NotAccepting: requests are not accepted yet, or no longer.
        """
        size = len(request.body)
        with self._changed:
            if not self._accepting:
                raise NotAccepting("The collector is stopping; try again when it is back.")
            if self._in_flight + size > self._limits.in_flight_bytes:
                raise Overloaded(
                    f"{self._in_flight} bytes are waiting to be stored; the limit is "
                    f"{self._limits.in_flight_bytes} (max_in_flight_bytes). Try again later.",
                    RETRY_AFTER,
                )
            self._in_flight += size
            self._bytes += size
            self._requests.append(request)
            # Waking the thread for each of many small requests would cost more than reading them.
            if len(self._requests) in (1, self._expected) or self._has_enough():
                self._changed.notify_all()

    def release(self, requests: Sequence[Request]) -> None:
        """Free the space of these requests: they are answered, or about to be."""
        size = sum(len(request.body) for request in requests)
        with self._changed:
            self._in_flight -= size
            self._expected = len(requests) + len(self._requests)
            self._until = self._clock() + self._wait

    def next_group(self) -> list[Request]:
        """Wait for the next group, and return it; an empty list if no more groups will come."""
        with self._changed:
            self._changed.wait_for(self._may_begin)
            self._await_more()
            self._began = self._clock()
            self._cpu_began = self._cpu_clock()
            return self._take()

    def decoded(self, requests: Sequence[Request]) -> None:
        """Record that a group is ready to be written, and set how long the next one waits for more requests.

        A small group takes about as long as a group several times its size. If there are several senders, it
        is therefore worth waiting for more of them.
        """
        small = sum(len(request.body) for request in requests) * _SMALL < self._limits.commit_bytes
        taken, cpu = self._clock() - self._began, self._cpu_clock() - self._cpu_began
        with self._changed:
            if self._was_large:
                fair = self._taken_bytes * _FAIR_TIME / max(cpu, 1e-9)
                self._most_bytes = min(self._limits.commit_bytes, int(fair))
            several = len(requests) + len(self._requests) > 1
            self._quiet = max(_QUIET, taken / _QUIET_PART)
            self._wait = min(2 * taken, _LONGEST_WAIT) if small and several else 0.0

    def set_writer(self, *, idle: bool) -> None:
        """Record whether the writer is idle."""
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
        """Wait for the commit delay, and as long as a small group still grows."""
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
        """Take the next requests: all of the queue, or after a group of large requests the little ones."""
        little: deque[Request] = deque()
        if self._was_large:
            little.extend(one for one in self._requests if len(one.body) <= _LITTLE)
        if little and len(little) < len(self._requests):
            self._requests = deque(one for one in self._requests if len(one.body) > _LITTLE)
            taken = self._take_from(little, self._limits.commit_bytes)
            self._requests.extend(little)
        else:
            taken = self._take_from(self._requests, self._most_bytes)
        self._was_large = any(len(request.body) > _LITTLE for request in taken)
        self._bytes -= self._taken_bytes
        return taken

    def _take_from(self, waiting: deque[Request], most: int) -> list[Request]:
        taken: list[Request] = []
        self._taken_bytes = 0
        while waiting and (self._taken_bytes < most or not taken):
            taken.append(waiting.popleft())
            self._taken_bytes += len(taken[-1].body)
        return taken
