"""Turns requests into commits: one thread decodes, one writes; senders are answered after the commit.

    submit ──▶ group commit ──▶ decode ──▶ write ──▶ the answer to each request
                                (thread)   (thread)

While one group is written, the next one forms. A few slow senders do not wait, and many small requests share
a commit: a commit costs about the same for one span as for a thousand. Large groups are decoded in the
meantime, so that both threads have work.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from laban_collector.decode.results import AcceptedRequest, RequestOutcome
from laban_collector.errors import (
    CollectorError,
    DecoderFailed,
    StoreError,
    StoreUnwritable,
    UndecodableRequest,
)
from laban_collector.ingest.group_commit import GroupCommit, Limits, Request

_log = logging.getLogger(__name__)

_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about a full disk, which fails every commit."""


B = TypeVar("B")
B_co = TypeVar("B_co", covariant=True)


class Decoded(Protocol[B_co]):
    """Many requests as one batch: of spans, or of logs."""

    @property
    def batch(self) -> B_co:
        """Everything that was accepted."""
        ...

    @property
    def outcomes(self) -> Sequence[AcceptedRequest | UndecodableRequest]:
        """One for each request, in their order."""
        ...


class _Group(NamedTuple, Generic[B]):
    """Requests that share a commit."""

    requests: Sequence[Request]
    decoded: Decoded[B]


class Pipeline(Generic[B]):
    """Accepts request bodies and stores their content.

    Args:
        decoder: turns bodies into one batch; called in one thread.
        write: stores a batch durably, or raises StoreError; called in another thread.
        limits: how much is accepted at once.
        name: of what is stored, for the names of the threads.
    """

    def __init__(
        self,
        decoder: Callable[[Sequence[bytes]], Decoded[B]],
        write: Callable[[B], object],
        limits: Limits,
        name: str = "",
    ) -> None:
        self._decoder = decoder
        self._store = write
        self._groups = GroupCommit(limits)
        # One decoded group waits while another is written; more would only delay the answers.
        self._decoded: queue.Queue[_Group[B] | None] = queue.Queue(maxsize=1)
        self._failures = CommitFailureLog()
        self._threads = [
            threading.Thread(target=self._decode_all, name=f"laban-decode{name}"),
            threading.Thread(target=self._write_all, name=f"laban-write{name}"),
        ]

    def start(self) -> None:
        """Start accepting requests."""
        self._groups.open()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop accepting requests, finish and answer the accepted ones, and end. Blocks until then."""
        if self._groups.close():
            for thread in self._threads:
                thread.join()

    def submit(self, body: bytes, answer: Callable[[RequestOutcome], object]) -> None:
        """Accept a request.

        `answer` is called once, in another thread, and must not raise. It is called when the spans are on
        disk, or with an `UndecodableRequest`, a `DecoderFailed` or a `StoreError`.

        Raises:
            Overloaded: too many bytes are in flight.
            NotAccepting: the pipeline is not running, or is stopping.
        """
        self._groups.add(Request(body, answer))

    def _decode_all(self) -> None:
        """The decode thread."""
        while requests := self._groups.next_group():
            self._decode(requests)
        self._decoded.put(None)

    def _decode(self, requests: Sequence[Request]) -> None:
        try:
            decoded = self._decoder([request.body for request in requests])
        except Exception as error:  # noqa: BLE001 - a defect in a decoder must not end the thread
            _log.exception("A decoder failed; %d request(s) were refused.", len(requests))
            self._fail(requests, DecoderFailed(f"The decoder failed on a request of this group: {error!r}"))
            return
        self._groups.decoded(requests)
        self._groups.set_writer(idle=False)
        self._decoded.put(_Group(requests, decoded))

    def _write_all(self) -> None:
        """The writer thread."""
        while (group := self._decoded.get()) is not None:
            self._write(group)
            if self._decoded.empty():
                self._groups.set_writer(idle=True)

    def _write(self, group: _Group[B]) -> None:
        try:
            self._store(group.decoded.batch)
        except Exception as error:  # noqa: BLE001 - after any error the senders are told to retry
            self._failures.log(error, len(group.requests))
            self._fail(group.requests, StoreError(f"The commit failed: {error}"))
            return
        self._groups.release(group.requests)
        for request, outcome in zip(group.requests, group.decoded.outcomes, strict=True):
            request.answer(outcome)

    def _fail(self, requests: Sequence[Request], error: CollectorError) -> None:
        self._groups.release(requests)
        for request in requests:
            request.answer(error)


class CommitFailureLog:
    """Logs failed commits. A full disk fails every commit, and is logged every ten seconds at most.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until = float("-inf")
        self._unlogged = 0

    def log(self, error: Exception, requests: int) -> None:
        """Log that this many requests were not stored, with a traceback unless the disk is the cause."""
        if not isinstance(error, StoreUnwritable):
            _log.error("A commit failed; %d request(s) were not stored.", requests, exc_info=error)
            return
        self._unlogged += requests
        now = self._clock()
        if now < self._quiet_until:
            return
        _log.error(
            "The disk cannot be written; the senders of %d request(s) were told to retry. Free space. %s",
            self._unlogged,
            error,
        )
        self._quiet_until, self._unlogged = now + _LOG_INTERVAL, 0
