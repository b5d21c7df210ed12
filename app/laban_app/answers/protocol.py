"""What can be asked, wherever the answer comes from: a database opened here, or a collector over HTTP."""

from datetime import datetime
from typing import Literal, Protocol

from laban_mapper.model import KnownValues, LagHistory, LagReport, LatencyHistory, ServiceMap, Status, Story


class Answers(Protocol):
    """All questions that laban answers.

    Windows are half open, [since, until), time zone aware. `until` None means up to the newest span;
    `since` None means one hour before `until`.
    """

    def story(
        self, key: str, value: str, since: datetime | None = None, until: datetime | None = None
    ) -> Story:
        """What happened to `key` `value`: ("order", "123"). Without a window, whenever it happened.

        Raises:
            UnknownValue: no trace carries it; names the nearest known values.
        """
        ...

    def service_map(self, since: datetime | None = None, until: datetime | None = None) -> ServiceMap:
        """Who talks to whom, and how. A window that is not short is widened to whole minutes."""
        ...

    def lag(self) -> LagReport:
        """How far each consumer group is behind now."""
        ...

    def lag_history(self, since: datetime | None = None, until: datetime | None = None) -> LagHistory:
        """How far each consumer group was behind over time."""
        ...

    def latency(
        self, by: Literal["edge", "route"], since: datetime | None = None, until: datetime | None = None
    ) -> LatencyHistory:
        """Percentiles over time, an edge or a route at a time, in about 60 buckets."""
        ...

    def known_values(
        self, key: str, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> KnownValues:
        """The newest values of a business key, to pick from. `since` None means a day before `until`."""
        ...

    def status(self) -> Status:
        """What the store holds."""
        ...
