"""An intake that counts what it takes, and what it refuses and why."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from laban_collector.decode.decoded import Accepted
from laban_collector.errors import CollectorError
from laban_collector.metrics import Metrics
from laban_collector.receive.intake import Intake, IntakeLimits, Reserve
from laban_collector.receive.otlp import Submit


class CountedIntake(Intake):
    """Takes bodies as `Intake` does.

    Args:
        submit: where the bodies go.
        limits: what they may cost.
        metrics: where they are counted.
    """

    def __init__(self, submit: Submit, limits: IntakeLimits, metrics: Metrics) -> None:
        super().__init__(submit, limits)
        self._metrics = metrics

    @asynccontextmanager
    async def uploading(self) -> AsyncGenerator[Reserve, None]:
        """Around the reading of one body."""
        try:
            async with super().uploading() as reserve:
                yield reserve
        except CollectorError as error:
            self._metrics.refuse(error)
            raise

    async def take(self, body: bytes) -> Accepted:
        """Hand a body on; returns when its spans are on disk."""
        self._metrics.in_flight.inc(len(body))
        try:
            accepted = await super().take(body)
        except CollectorError as error:
            self._metrics.refuse(error)
            raise
        finally:
            self._metrics.in_flight.dec(len(body))
        self._metrics.accept(accepted)
        return accepted
