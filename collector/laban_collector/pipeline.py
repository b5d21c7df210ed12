"""Requests to commits: one thread decodes, one writes, and a sender is answered when its spans are on disk.

    submit ──▶ inbox ──▶ decode ──▶ commit ──▶ the future of each request
                         (thread)   (thread)

A commit takes all requests that wait, and starts when the last one is done. While one runs, the next fills:
few slow senders wait for nobody, and many small requests share a commit, which costs about the same for one
span as for a thousand. What is large is decoded meanwhile, so that both threads have work.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple

from laban_collector.commit_failures import CommitFailures
from laban_collector.decode.decoded import Accepted, Decoded, Decoder
from laban_collector.errors import (
    CollectorError,
    DecoderFailed,
    NotAccepting,
    Overloaded,
    StoreError,
    UndecodableRequest,
)
from laban_collector.span_batch import SpanBatch

_log = logging.getLogger(__name__)

_OVERLAP: Final = 4
"""A group is decoded while another one is written when it has this part of a commit's bytes."""

_SMALL: Final = 8
"""A group is small when it has less than this part of a commit's bytes."""
_LONGEST_WAIT: Final = 0.05
"""Seconds that a small group waits for more requests at most, after the one before it began."""

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


class _Request(NamedTuple):
    body: bytes
    answer: Future[Accepted]


class _Idle:
    """Says that the writer has nothing to do."""


class _Group(NamedTuple):
    """Requests that share a commit."""

    requests: Sequence[_Request]
    decoded: Decoded


class Pipeline:
    """Takes bodies of requests and stores them.

    Args:
        decoder: bodies to one batch, called in one thread.
        write: keeps a batch durably, or raises StoreError; called in another thread.
        limits: how much is taken at once.
    """

    def __init__(self, decoder: Decoder, write: Callable[[SpanBatch], object], limits: Limits) -> None:
        self._decoder = decoder
        self._store = write
        self._limits = limits
        # None ends it; _Idle wakes the decode thread, which waits here for both.
        self._inbox: queue.SimpleQueue[_Request | _Idle | None] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        # One group waits while one is written: more would only delay the answers.
        self._decoded: queue.Queue[_Group | None] = queue.Queue(maxsize=1)
        self._failures = CommitFailures()
        self._lock = threading.Lock()
        self._accepting = False
        self._in_flight = 0
        self._threads = [
            threading.Thread(target=self._decode_all, name="laban-decode"),
            threading.Thread(target=self._write_all, name="laban-write"),
        ]

    def start(self) -> None:
        """Begin to take requests."""
        self._accepting = True
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more, finish and answer what was accepted, and end. Blocks until then."""
        with self._lock:
            if not self._accepting:
                return
            self._accepting = False
            self._inbox.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, body: bytes) -> Future[Accepted]:
        """Accept a request. The future has a result when its spans are on disk.

        The future's error is an `UndecodableRequest`, a `DecoderFailed` or a `StoreError`.

        Raises:
            Overloaded: too many bytes are in flight.
            NotAccepting: the pipeline is not running, or is stopping.
        """
        answer: Future[Accepted] = Future()
        # A sender that goes away must not cancel what others share a commit with.
        answer.set_running_or_notify_cancel()
        with self._lock:
            if not self._accepting:
                raise NotAccepting("The collector is stopping; try again when it is back.")
            if self._in_flight + len(body) > self._limits.in_flight_bytes:
                raise Overloaded(
                    f"{self._in_flight} bytes are waiting to be stored, and at most "
                    f"{self._limits.in_flight_bytes} may (max_in_flight_bytes): try again later.",
                    RETRY_AFTER,
                )
            self._in_flight += len(body)
            self._inbox.put(_Request(body, answer))
        return answer

    def _decode_all(self) -> None:
        """The decode thread."""
        running, began, wait = True, 0.0, 0.0
        while running:
            requests, running = self._gather(began + wait)
            began = time.monotonic()
            if requests:
                self._decode(requests)
            wait = self._wait(requests, time.monotonic() - began)
        self._decoded.put(None)

    def _wait(self, requests: Sequence[_Request], seconds: float) -> float:
        """How long after its start a group that took so many seconds to decode is followed by the next.

        A small one takes about as long as one that is some times larger, so where several senders send it is
        worth to wait for more of them.
        """
        small = sum(len(request.body) for request in requests) * _SMALL < self._limits.commit_bytes
        more = min(2 * seconds, _LONGEST_WAIT) if small and len(requests) > 1 else 0.0
        return max(self._limits.commit_delay, more)

    def _gather(self, until: float) -> tuple[list[_Request], bool]:
        """All requests that come until `until` and until the writer is idle; False: these are the last."""
        requests: list[_Request] = []
        size = 0
        while size < self._limits.commit_bytes:
            ready = self._idle.is_set() or size * _OVERLAP >= self._limits.commit_bytes
            try:
                request = self._next(until if requests and ready else None)
            except queue.Empty:
                break
            if request is None:
                return requests, False
            if not isinstance(request, _Idle):
                requests.append(request)
                size += len(request.body)
        return requests, True

    def _next(self, until: float | None) -> _Request | _Idle | None:
        """What comes next; waits until a monotonic time, for ever if that is None."""
        if until is None:
            return self._inbox.get()
        wait = until - time.monotonic()
        return self._inbox.get(timeout=wait) if wait > 0 else self._inbox.get_nowait()

    def _decode(self, requests: Sequence[_Request]) -> None:
        try:
            decoded = self._decoder([request.body for request in requests])
        except Exception as error:  # noqa: BLE001 - a defect in a decoder must not end the thread
            _log.exception("A decoder failed; %d request(s) were refused.", len(requests))
            self._fail(requests, DecoderFailed(f"The decoder failed on a request of this group: {error!r}"))
            return
        self._idle.clear()
        self._decoded.put(_Group(requests, decoded))

    def _write_all(self) -> None:
        """The writer thread."""
        while (group := self._decoded.get()) is not None:
            self._write(group)
            if self._decoded.empty():
                self._idle.set()
                self._inbox.put(_Idle())

    def _write(self, group: _Group) -> None:
        try:
            self._store(group.decoded.batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the senders must hear of it, and repeat
            self._failures.tell(error, len(group.requests))
            self._fail(group.requests, StoreError(f"The commit failed: {error}"))
            return
        for request, outcome in zip(group.requests, group.decoded.outcomes, strict=True):
            self._release(request)
            if isinstance(outcome, UndecodableRequest):
                request.answer.set_exception(outcome)
            else:
                request.answer.set_result(outcome)

    def _fail(self, requests: Sequence[_Request], error: CollectorError) -> None:
        for request in requests:
            self._release(request)
            request.answer.set_exception(error)

    def _release(self, request: _Request) -> None:
        with self._lock:
            self._in_flight -= len(request.body)
