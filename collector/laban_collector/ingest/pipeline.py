"""Requests to commits: one thread decodes, one writes, and a sender is answered when its spans are on disk.

    submit ──▶ inbox ──▶ decode ──▶ commit ──▶ the answer to each request
                         (thread)   (thread)

A commit takes all requests that wait, and starts when the last one is done. While one runs, the next fills:
few slow senders wait for nobody, and many small requests share a commit, which costs about the same for one
span as for a thousand. What is large is decoded meanwhile, so that both threads have work.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.results import DecodedRequests, Decoder, RequestOutcome
from laban_collector.errors import CollectorError, DecoderFailed, StoreError
from laban_collector.ingest.commit_failures import CommitFailures
from laban_collector.ingest.group_commit import Limits, Request, Waiting

_log = logging.getLogger(__name__)


class _Group(NamedTuple):
    """Requests that share a commit."""

    requests: Sequence[Request]
    decoded: DecodedRequests


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
        self._waiting = Waiting(limits)
        # One group waits while one is written: more would only delay the answers.
        self._decoded: queue.Queue[_Group | None] = queue.Queue(maxsize=1)
        self._failures = CommitFailures()
        self._threads = [
            threading.Thread(target=self._decode_all, name="laban-decode"),
            threading.Thread(target=self._write_all, name="laban-write"),
        ]

    def start(self) -> None:
        """Begin to take requests."""
        self._waiting.open()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more, finish and answer what was accepted, and end. Blocks until then."""
        if self._waiting.close():
            for thread in self._threads:
                thread.join()

    def submit(self, body: bytes, answer: Callable[[RequestOutcome], object]) -> None:
        """Accept a request.

        `answer` is called once, in another thread, and may not raise: when its spans are on disk, or with an
        `UndecodableRequest`, a `DecoderFailed` or a `StoreError`.

        Raises:
            Overloaded: too many bytes are in flight.
            NotAccepting: the pipeline is not running, or is stopping.
        """
        self._waiting.add(Request(body, answer))

    def _decode_all(self) -> None:
        """The decode thread."""
        while requests := self._waiting.gather():
            self._decode(requests)
        self._decoded.put(None)

    def _decode(self, requests: Sequence[Request]) -> None:
        try:
            decoded = self._decoder([request.body for request in requests])
        except Exception as error:  # noqa: BLE001 - a defect in a decoder must not end the thread
            _log.exception("A decoder failed; %d request(s) were refused.", len(requests))
            self._fail(requests, DecoderFailed(f"The decoder failed on a request of this group: {error!r}"))
            return
        self._waiting.decoded(requests)
        self._waiting.writing(idle=False)
        self._decoded.put(_Group(requests, decoded))

    def _write_all(self) -> None:
        """The writer thread."""
        while (group := self._decoded.get()) is not None:
            self._write(group)
            if self._decoded.empty():
                self._waiting.writing(idle=True)

    def _write(self, group: _Group) -> None:
        try:
            self._store(group.decoded.batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the senders must hear of it, and repeat
            self._failures.tell(error, len(group.requests))
            self._fail(group.requests, StoreError(f"The commit failed: {error}"))
            return
        self._waiting.release(group.requests)
        for request, outcome in zip(group.requests, group.decoded.outcomes, strict=True):
            request.answer(outcome)

    def _fail(self, requests: Sequence[Request], error: CollectorError) -> None:
        self._waiting.release(requests)
        for request in requests:
            request.answer(error)
