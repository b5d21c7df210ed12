"""A receiver alone, with what it hands on in a list."""

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from laban_collector.decode.results import Accepted, Outcome
from laban_collector.errors import CollectorError
from laban_collector.receive.address import Address
from laban_collector.receive.intake import Intake, IntakeLimits

from .running import running_loop

T = TypeVar("T")
LIMIT = 10_000
"""Bytes and elements that a request may have."""


class Receiver(Protocol):
    """What both receivers are."""

    async def start(self) -> Address:
        """Begin to receive."""
        ...

    async def stop(self) -> None:
        """End."""
        ...


class Inbox:
    """Stands where the pipeline does, and answers as told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answer: Outcome = Accepted(1)
        self.refusal: CollectorError | None = None
        self.pending: Future[Accepted] | None = None
        self.arrived = threading.Semaphore(0)
        self._pool = ThreadPoolExecutor(1)

    def submit(self, body: bytes, answer: Callable[[Outcome], object]) -> None:
        """See `Pipeline.submit`."""
        if self.refusal is not None:
            raise self.refusal
        self.bodies.append(body)
        if self.pending is None:
            answer(self.answer)
        else:
            self.pending.add_done_callback(lambda pending: answer(pending.result()))
        self.arrived.release()

    def in_background(self, call: Callable[[], T]) -> Future[T]:
        """Run a blocking call in another thread."""
        return self._pool.submit(call)

    def intake(self, **limits: Any) -> Intake:
        """What a receiver takes; `limits` instead of generous ones."""
        return Intake(self.submit, IntakeLimits(LIMIT, 10 * LIMIT, 10.0, LIMIT)._replace(**limits))

    @contextmanager
    def answering(self, receiver: Receiver) -> Generator[tuple[Address, Callable[[], None]], None, None]:
        """A started receiver and what begins to stop it; it has stopped when the block ends."""
        with running_loop() as loop:
            address = asyncio.run_coroutine_threadsafe(receiver.start(), loop).result(10)
            stopping: list[Future[None]] = []
            yield (
                address,
                lambda: stopping.append(asyncio.run_coroutine_threadsafe(receiver.stop(), loop)),
            )
            stopping[0].result(10)
            self._pool.shutdown()


@contextmanager
def started(receiver: Receiver) -> Generator[Address, None, None]:
    """A receiver that runs until the block ends."""
    with running_loop() as loop:
        address = asyncio.run_coroutine_threadsafe(receiver.start(), loop).result(10)
        try:
            yield address
        finally:
            asyncio.run_coroutine_threadsafe(receiver.stop(), loop).result(10)
