"""Between the protocols and the pipeline: what a request may cost before it is handed on."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Self

from laban_collector.decode.decoded import Accepted, JsonBody
from laban_collector.errors import Overloaded, RequestTooLarge, UploadTooSlow
from laban_collector.receive.elements import too_many_elements, too_many_json_elements
from laban_collector.receive.otlp import Submit
from laban_collector.settings import Settings

_RETRY_AFTER: Final = 1.0
"""Seconds after which there may be room for another upload."""

Reserve = Callable[[int], None]
"""Told of the bytes of a body as they come; raises Overloaded when all uploads together are too many."""


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
            CollectorError: what `Pipeline.submit` and its future raise.
        """
        if await self._has_too_many_elements(body):
            raise RequestTooLarge(
                f"A request may have {self.limits.elements} elements (max_elements): send smaller batches."
            )
        return await asyncio.wrap_future(self._submit(body))

    async def _has_too_many_elements(self, body: bytes) -> bool:
        """A long body takes 10 ms a MB, and is counted in a thread; one of JSON takes less than 1."""
        if isinstance(body, JsonBody):
            return too_many_json_elements(body, self.limits.elements)
        if len(body) <= self.limits.elements:
            return False
        return await asyncio.to_thread(too_many_elements, body, self.limits.elements)
