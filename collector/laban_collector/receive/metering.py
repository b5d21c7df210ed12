"""An intake that counts what it takes, and what it refuses and why."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from laban_collector.decode.results import Accepted, Outcome
from laban_collector.errors import CollectorError
from laban_collector.metrics import Metrics
from laban_collector.receive.intake import Answer, Intake, IntakeLimits, Reserve
from laban_collector.receive.otlp_responses import Submit


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

    async def check(self, body: bytes) -> None:
        """Look whether a body may be handed on."""
        try:
            await super().check(body)
        except CollectorError as error:
            self._metrics.refuse(error)
            raise

    def hand_on(self, body: bytes, answer: Answer) -> None:
        """Hand on a body."""
        metrics, size = self._metrics, len(body)

        def counted(outcome: Outcome) -> None:
            metrics.in_flight.dec(size)
            if isinstance(outcome, Accepted):
                metrics.accept(outcome)
            else:
                metrics.refuse(outcome)
            answer(outcome)

        metrics.in_flight.inc(size)
        try:
            super().hand_on(body, counted)
        except CollectorError as error:
            metrics.in_flight.dec(size)
            metrics.refuse(error)
            raise
