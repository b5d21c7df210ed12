"""Senders that remember the acknowledged spans, which the database must hold."""

import itertools
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from laban_collector.store.duckdb.connection.database import Database

from ..collector.requests import body, span

PROTOBUF = {"content-type": "application/x-protobuf"}
_SPANS = 20
"""Spans per request."""


class Senders:
    """Threads that send new spans until they are stopped or the collector is gone."""

    def __init__(self, threads: int = 4) -> None:
        self._threads = threads
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.acknowledged: set[str] = set()
        self.statuses: dict[int, int] = {}
        self.retryable = True

    @contextmanager
    def sending(self, address: str, at_least: int) -> Generator[None, None, None]:
        """Send to a collector; start the block once `at_least` more spans are acknowledged."""
        stop, enough = threading.Event(), threading.Event()
        goal = len(self.acknowledged) + at_least
        with ThreadPoolExecutor(self._threads) as pool:
            sent = [
                pool.submit(self._send, f"http://{address}/v1/traces", stop, enough, goal)
                for _ in range(self._threads)
            ]
            try:
                assert enough.wait(60), f"only {len(self.acknowledged)} of {goal} spans were acknowledged"
                yield
            finally:
                stop.set()
                for thread in sent:
                    thread.result(60)

    def _send(self, url: str, stop: threading.Event, enough: threading.Event, goal: int) -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                spans = [span(next(self._numbers)) for _ in range(_SPANS)]
                try:
                    answer = client.post(url, content=body(*spans), headers=PROTOBUF)
                except httpx.TransportError:
                    return  # killed, or stopped
                with self._lock:
                    self._note(answer, {sent.name for sent in spans})
                    if len(self.acknowledged) >= goal:
                        enough.set()

    def _note(self, answer: httpx.Response, names: set[str]) -> None:
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        if answer.is_success:
            self.acknowledged |= names
        elif answer.status_code != 503 or "retry-after" not in answer.headers:
            self.retryable = False


def stored(path: Path) -> list[str]:
    """Return the names of all spans in a closed database."""
    with Database.open(path) as database, database.reading() as cursor:
        return [name for (name,) in cursor.execute("SELECT name FROM spans").fetchall()]
