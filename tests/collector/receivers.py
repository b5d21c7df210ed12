"""A receiver without a pipeline: the request bodies go to a list."""

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from laban_collector.address import Address
from laban_collector.decode.results import AcceptedRequest, RequestOutcome
from laban_collector.errors import CollectorError
from laban_collector.metrics import Metrics
from laban_collector.receive.intake import Intake, IntakeLimits

from .running import running_loop

T = TypeVar("T")
LIMIT = 10_000
"""The limit on the bytes and on the elements of a request."""


class Receiver(Protocol):
    """The interface of both receivers."""

    async def start(self) -> Address:
        """Start to receive."""
        ...

    async def stop(self) -> None:
        """Stop."""
        ...


class Inbox:
    """Takes the place of the pipeline, and gives the configured outcome."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.metrics = Metrics()
        self.answer: RequestOutcome = AcceptedRequest(1)
        self.refusal: CollectorError | None = None
        self.pending: Future[AcceptedRequest] | None = None
        self.arrived = threading.Semaphore(0)
        self._pool = ThreadPoolExecutor(1)

    def submit(self, body: bytes, answer: Callable[[RequestOutcome], object]) -> None:
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
        """Return an intake for a receiver; `limits` override generous defaults."""
        generous = IntakeLimits(LIMIT, 10 * LIMIT, 10.0, LIMIT)
        return Intake(self.submit, generous._replace(**limits), self.metrics)

    @contextmanager
    def answering(self, receiver: Receiver) -> Generator[tuple[Address, Callable[[], None]], None, None]:
        """Start a receiver; yields its address and a function that starts to stop it."""
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
    """Run a receiver until the block ends."""
    with running_loop() as loop:
        address = asyncio.run_coroutine_threadsafe(receiver.start(), loop).result(10)
        try:
            yield address
        finally:
            asyncio.run_coroutine_threadsafe(receiver.stop(), loop).result(10)
