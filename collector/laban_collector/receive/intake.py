"""Between the protocols and the pipeline: what a request may cost before it is handed on."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, NamedTuple, Self

from laban_collector.decode.results import Accepted, JsonBody, Outcome
from laban_collector.errors import CollectorError, Overloaded, RequestTooLarge, UploadTooSlow
from laban_collector.receive.element_limit import too_many_elements, too_many_json_elements
from laban_collector.receive.mailbox import Mailbox
from laban_collector.receive.otlp_responses import Submit
from laban_collector.settings import Settings

_RETRY_AFTER: Final = 1.0
"""Seconds after which there may be room for another upload."""

Reserve = Callable[[int], None]
"""Told of the bytes of a body as they come; raises Overloaded when all uploads together are too many."""


Answer = Callable[[Outcome], None]
"""Told, in the event loop, what became of a body."""


class IntakeLimits(NamedTuple):
    """What requests may cost.

    Attributes:
        request_bytes: the largest body, after decompression.
        uploading_bytes: of all bodies together that are not complete yet.
        upload_timeout: seconds that a body may take to come.
        elements: messages or objects in one request.
    """

    request_bytes: int
    uploading_bytes: int
    upload_timeout: float
    elements: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say."""
        return cls(
            settings.max_request_bytes,
            settings.max_in_flight_bytes,
            settings.upload_timeout,
            settings.max_elements,
        )


class Intake:
    """Takes bodies, and hands them on when they are not too much. Used in one event loop.

    Args:
        submit: where the bodies go.
        limits: what they may cost.
    """

    def __init__(self, submit: Submit, limits: IntakeLimits) -> None:
        self.limits = limits
        self._submit = submit
        self._uploading = 0
        self._mailbox: Mailbox | None = None

    @asynccontextmanager
    async def uploading(self) -> AsyncGenerator[Reserve, None]:
        """Around the reading of one body.

        Raises:
            UploadTooSlow: it takes too long.
        """
        reserved = 0

        def reserve(size: int) -> None:
            nonlocal reserved
            if self._uploading + size > self.limits.uploading_bytes:
                raise Overloaded(
                    f"{self._uploading} bytes are being uploaded, and at most "
                    f"{self.limits.uploading_bytes} may (max_in_flight_bytes): try again later.",
                    _RETRY_AFTER,
                )
            self._uploading += size
            reserved += size

        try:
            async with asyncio.timeout(self.limits.upload_timeout):
                yield reserve
        except TimeoutError as error:
            raise UploadTooSlow(
                f"The body took longer than {self.limits.upload_timeout:g} s (upload_timeout)."
            ) from error
        finally:
            self._uploading -= reserved

    async def take(self, body: bytes) -> Accepted:
        """Hand a body on; returns when its spans are on disk.

        Raises:
            RequestTooLarge: it has too many elements.
            CollectorError: what `Pipeline.submit` raises, or answers.
        """
        await self.check(body)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.hand_on(body, partial(_settle, answer))
        outcome = await answer
        if isinstance(outcome, CollectorError):
            raise outcome
        return outcome

    async def check(self, body: bytes) -> None:
        """Look whether a body may be handed on.

        Raises:
            RequestTooLarge: it has too many elements.
            UndecodableRequest: it is no request.
        """
        if await self._has_too_many_elements(body):
            raise RequestTooLarge(
                f"A request may have {self.limits.elements} elements (max_elements): send smaller batches."
            )

    def is_small(self, size: int) -> bool:
        """Whether a body of so many bytes of protobuf needs no check."""
        return size <= min(self.limits.elements, self.limits.request_bytes)

    def hand_on(self, body: bytes, answer: Answer) -> None:
        """Hand on a body that is checked or small; `answer` is called when its spans are on disk.

        Raises:
            CollectorError: what `Pipeline.submit` raises; then there is no answer.
        """
        mailbox = self._mailbox_here()
        self._submit(body, lambda outcome: mailbox.put(partial(answer, outcome)))

    def _mailbox_here(self) -> Mailbox:
        loop = asyncio.get_running_loop()
        if self._mailbox is None or self._mailbox.loop is not loop:
            self._mailbox = Mailbox(loop)
        return self._mailbox

    async def _has_too_many_elements(self, body: bytes) -> bool:
        """A long body takes 10 ms a MB, and is counted in a thread; one of JSON takes less than 1."""
        if isinstance(body, JsonBody):
            return too_many_json_elements(body, self.limits.elements)
        if self.is_small(len(body)):
            return False
        return await asyncio.to_thread(too_many_elements, body, self.limits.elements)


def _settle(answer: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not answer.done():  # whoever waited has gone away
        answer.set_result(outcome)
