"""Intake of request bodies: limits, metrics, and the way from the event loop to the pipeline and back."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, NamedTuple, Self

from laban_collector.decode.results import AcceptedRequest, JsonBody, RequestOutcome
from laban_collector.errors import CollectorError, Overloaded, RequestTooLarge, UploadTooSlow
from laban_collector.metrics import Metrics
from laban_collector.receive.element_limit import TRACES, too_many_elements, too_many_json_elements
from laban_collector.settings import Settings

_RETRY_AFTER: Final = 1.0
"""Seconds after which there may be room for another upload."""

Reserve = Callable[[int], None]
"""Called with the size of each part of a body; raises Overloaded if all uploads exceed the limit."""

OnOutcome = Callable[[RequestOutcome], None]
"""Called with the outcome of a request."""

Submit = Callable[[bytes, Callable[[RequestOutcome], object]], None]
"""Submits the body of a request; see `Pipeline.submit`."""


class IntakeLimits(NamedTuple):
    """Limits on requests.

    Attributes:
        request_bytes: size of one body, after decompression.
        uploading_bytes: size of all incomplete bodies together.
        upload_timeout: seconds until a body must be complete.
        elements: messages or objects in one request.
    """

    request_bytes: int
    uploading_bytes: int
    upload_timeout: float
    elements: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the limits that the settings define."""
        return cls(
            settings.max_request_bytes,
            settings.max_in_flight_bytes,
            settings.upload_timeout,
            settings.max_elements,
        )


class Intake:
    """Checks, counts and submits request bodies. Belongs to one event loop.

    Args:
        submit: takes the bodies; calls back from another thread.
        limits: limits on requests.
        metrics: counts requests, spans and bytes in flight.
        request: what a body is: TRACES or LOGS of `element_limit`.
    """

    def __init__(self, submit: Submit, limits: IntakeLimits, metrics: Metrics, request: str = TRACES) -> None:
        self.limits = limits
        self._request = request
        self._count_accepted = metrics.count_accepted if request == TRACES else metrics.count_accepted_logs
        self._pipeline = submit
        self._metrics = metrics
        self._uploading = 0
        self._mailbox: Mailbox | None = None

    @asynccontextmanager
    async def upload(self) -> AsyncGenerator[Reserve, None]:
        """Limit the time and the memory of one upload; yields a function that reserves bytes.

        Raises:
            UploadTooSlow: the body is not complete in time.
        """
        reserved = 0

        def reserve(size: int) -> None:
            nonlocal reserved
            if self._uploading + size > self.limits.uploading_bytes:
                raise Overloaded(
                    f"{self._uploading} bytes are being uploaded; the limit is "
                    f"{self.limits.uploading_bytes} (max_in_flight_bytes). Retry later.",
                    _RETRY_AFTER,
                )
            self._uploading += size
            reserved += size

        try:
            async with self._counting_errors(), _deadline(self.limits.upload_timeout):
                yield reserve
        finally:
            self._uploading -= reserved

    async def store(self, body: bytes) -> AcceptedRequest:
        """Check and submit a body; returns when its spans are on disk.

        Raises:
            RequestTooLarge: it has too many elements.
            CollectorError: as `Pipeline.submit` raises or reports.
        """
        async with self._counting_errors():
            await self._check_elements(body)
        answer: asyncio.Future[RequestOutcome] = asyncio.get_running_loop().create_future()
        self.submit(body, partial(_set_result, answer))
        outcome = await answer
        if isinstance(outcome, CollectorError):
            raise outcome
        return outcome

    def is_surely_within_limits(self, size: int) -> bool:
        """Whether a protobuf body of `size` bytes is too small to exceed any limit."""
        return size <= min(self.limits.elements, self.limits.request_bytes)

    def submit(self, body: bytes, on_outcome: OnOutcome) -> None:
        """Submit a body that is within the limits; `on_outcome` runs in the event loop.

        Raises:
            CollectorError: as `Pipeline.submit` raises; then `on_outcome` is not called.
        """
        metrics, mailbox, size = self._metrics, self._mailbox_of_loop(), len(body)

        def finish(outcome: RequestOutcome) -> None:
            metrics.in_flight.dec(size)
            if isinstance(outcome, AcceptedRequest):
                self._count_accepted(outcome)
            else:
                self._count_refused(outcome)
            on_outcome(outcome)

        metrics.in_flight.inc(size)
        try:
            self._pipeline(body, lambda outcome: mailbox.put(partial(finish, outcome)))
        except CollectorError as error:
            metrics.in_flight.dec(size)
            self._count_refused(error)
            raise

    async def _check_elements(self, body: bytes) -> None:
        if await self._has_too_many_elements(body):
            raise RequestTooLarge(
                f"The request has more than {self.limits.elements} elements (max_elements). "
                "Send smaller batches."
            )

    async def _has_too_many_elements(self, body: bytes) -> bool:
        """Count in a thread, as a long body takes 10 ms per MB; JSON takes less than 1 ms per MB."""
        if isinstance(body, JsonBody):
            return too_many_json_elements(body, self.limits.elements)
        if self.is_surely_within_limits(len(body)):
            return False
        return await asyncio.to_thread(too_many_elements, body, self.limits.elements, self._request)

    def _mailbox_of_loop(self) -> "Mailbox":
        loop = asyncio.get_running_loop()
        if self._mailbox is None or self._mailbox.loop is not loop:
            self._mailbox = Mailbox(loop)
        return self._mailbox

    @asynccontextmanager
    async def _counting_errors(self) -> AsyncGenerator[None, None]:
        try:
            yield
        except CollectorError as error:
            self._count_refused(error)
            raise

    def _count_refused(self, error: CollectorError) -> None:
        self._metrics.count_refused(error)
        if self._request != TRACES:
            self._metrics.log_requests_refused.inc()


@asynccontextmanager
async def _deadline(seconds: float) -> AsyncGenerator[None, None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise UploadTooSlow(f"The body took longer than {seconds:g} s (upload_timeout).") from error


def _set_result(answer: "asyncio.Future[RequestOutcome]", outcome: RequestOutcome) -> None:
    if not answer.done():  # cancelled: the sender has disconnected
        answer.set_result(outcome)


class Mailbox:
    """Runs calls from other threads in an event loop, in their order.

    It wakes the loop once for all calls that arrive while the loop is busy. Waking a loop costs more than
    most calls, and one commit answers many requests.

    Args:
        loop: runs the calls. Calls that arrive after it is closed are dropped.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._woken = False

    def put(self, call: Callable[[], object]) -> None:
        """Schedule a call. Safe in any thread."""
        self._calls.append(call)
        if not self._woken:
            self._wake()

    def _wake(self) -> None:
        if not self.loop.is_closed():
            self._woken = True
            self.loop.call_soon_threadsafe(self._run_calls)

    def _run_calls(self) -> None:
        # Reset before the first call: any later `put` wakes the loop again, so that no call is left behind.
        self._woken = False
        try:
            while self._calls:
                self._calls.popleft()()
        finally:
            if self._calls:  # a call failed and the loop logs it; the remaining calls still run
                self._wake()
