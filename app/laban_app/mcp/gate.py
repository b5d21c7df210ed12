"""Runs questions in threads: few at once, each for a limited time, and never on the event loop."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

A = TypeVar("A")

LIMIT_S: Final = 30.0
"""Seconds until an assistant is told that its question takes too long; `laban` waits as long, too."""
_AT_ONCE: Final = 4
_MOST_OPEN: Final = 32
"""Questions that run or wait."""


class TooBusy(Exception):
    """Too many questions are open already."""


class TookTooLong(Exception):
    """There is no answer within the time."""


class Gate:
    """Runs questions in threads.

    A thread cannot be stopped: a question that takes too long keeps its place until it ends, so that many of
    them do not take the machine.

    Args:
        limit: seconds for one question, with the time that it waits for its place.
        at_once: questions that run at the same time.
        most_open: questions that run or wait.
    """

    def __init__(self, limit: float = LIMIT_S, at_once: int = _AT_ONCE, most_open: int = _MOST_OPEN) -> None:
        self._limit = limit
        self._places = anyio.CapacityLimiter(at_once)
        self._most_open = most_open
        self._open = 0

    async def ask(self, question: Callable[[], A]) -> A:
        """Run a question.

        Raises:
            TooBusy: there are too many.
            TookTooLong: the time is over; a question that has not begun is dropped.
        """
        if self._open >= self._most_open:
            raise TooBusy
        self._open += 1
        begun = asyncio.Event()
        task = asyncio.ensure_future(self._run(question, begun))
        task.add_done_callback(self._closed)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._limit)
        finally:
            if not begun.is_set():
                task.cancel()
        if not done:
            raise TookTooLong
        return task.result()

    async def _run(self, question: Callable[[], A], begun: asyncio.Event) -> A:
        async with self._places:
            begun.set()
            return await anyio.to_thread.run_sync(question, limiter=anyio.CapacityLimiter(1))

    def _closed(self, task: "asyncio.Future[A]") -> None:
        self._open -= 1
        if not task.cancelled():
            task.exception()  # if nobody waits any more, asyncio would log that nobody has read it
