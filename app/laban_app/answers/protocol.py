"""The questions that can be asked, of a database in this process or of a collector over HTTP."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, Protocol

from laban_mapper.model import (
    Findings,
    KnownValues,
    LagHistory,
    LagReport,
    LatencyHistory,
    Logs,
    Neighbours,
    Orders,
    ServiceMap,
    Status,
    Story,
)
from laban_mapper.model_alerts import Alerts
from laban_mapper.model_drift import Choreography
from laban_mapper.model_whatif import WhatIf
from laban_mapper.orders import OrdersQuestion
from laban_mapper.story.logs import MOST
from laban_mapper.trace import Trace
from laban_mapper.whatif.changes import ChangeTexts


class Answers(Protocol):
    """All questions that laban answers.

    Time ranges are half open, [since, until), with time zones. `until` None: now, or the newest span if that
    is older than the whole range; `since` None: one hour before `until`.
    """

    def story(
        self, key: str, value: str, since: datetime | None = None, until: datetime | None = None
    ) -> Story:
        """What happened to a business key value, such as ("order", "123"); by default at any time.

        Raises:
            UnknownValue: no trace carries it; names the nearest known values.
        """
        ...

    def story_of_trace(self, trace_id: str) -> Story:
        """What happened in one trace, and what followed from it; it needs no business key.

        Args:
            trace_id: in any form that `parse_trace_id` accepts.

        Raises:
            UnknownTrace: no span of it is stored.
            InvalidTraceId: it is not the ID of a trace.
        """
        ...

    def orders(
        self,
        asked: OrdersQuestion | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Orders:
        """The newest orders, or the worst, with what became of them; by default of any time.

        Args:
            asked: which orders; None: the newest.
            since: only orders that a span names at or after this time.
            until: only orders that a span names before this time.
        """
        ...

    def neighbours(self, key: str, value: str) -> Neighbours:
        """The orders before and after one: among all, and among those that share another business key."""
        ...

    def service_map(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        unseen: bool = False,
        entry: str | None = None,
    ) -> ServiceMap:
        """Which service calls which, and how. A range of 5 minutes or more is widened to whole minutes.

        Args:
            since: start of the time range.
            until: end of the time range.
            unseen: whether callers that were not seen are a node of the map.
            entry: an operation such as `POST /orders`: only the edges that sampled traces of it contain.

        Raises:
            UnknownEntry: no sampled trace begins with `entry`.
        """
        ...

    def findings(self, since: datetime | None = None, until: datetime | None = None) -> Findings:
        """What is wrong with how the services talk: the worst first, by rules; see docs/findings.md.

        It rests on the map, the lag, and a sample of the traces of the time range.
        """
        ...

    def lag(self) -> LagReport:
        """How far behind each consumer group is now."""
        ...

    def waiting(self) -> LagReport:
        """The same with the messages that wait, what made the queue, and how fast it drains."""
        ...

    def lag_history(self, since: datetime | None = None, until: datetime | None = None) -> LagHistory:
        """How far behind each consumer group was over time."""
        ...

    def latency(
        self, by: Literal["edge", "route"], since: datetime | None = None, until: datetime | None = None
    ) -> LatencyHistory:
        """Latency percentiles by edge or by route over time, in about 60 buckets."""
        ...

    def known_values(
        self, key: str, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> KnownValues:
        """The newest values of a business key. `since` None: one day before `until`."""
        ...

    def status(self) -> Status:
        """What is stored."""
        ...


class TraceAnswers(Answers, Protocol):
    """The questions above, and those for programs and the command line: one trace, drift, what-if."""

    def choreography(self, since: datetime | None = None, until: datetime | None = None) -> Choreography:
        """What ran, with counts and a proof of each part; the time range is as in `service_map`."""
        ...

    def alerts(self) -> Alerts:
        """What is wrong now, by the conditions of alerts; with new findings only if a collector watches."""
        ...

    def what_if(
        self, texts: ChangeTexts, since: datetime | None = None, until: datetime | None = None
    ) -> WhatIf:
        """What would become of the requests if something changed.

        Args:
            texts: the changes.
            since: only traces that begin at or after this time.
            until: only traces that begin before this time.

        Raises:
            InvalidChange: a change is not understood.
            UnknownPlace: a service or a call does not exist in the traces.
        """
        ...

    def trace(self, trace_id: str, limit: int | None = None) -> Trace:
        """One trace with all that was sent.

        Args:
            trace_id: 32 or 16 hex digits, in any form that `parse_trace_id` accepts.
            limit: maximum number of spans: the first by start.

        Raises:
            UnknownTrace: no span of it is stored.
            InvalidTraceId: it is not the ID of a trace.
        """
        ...

    def logs(self, trace_ids: Sequence[str], limit: int = MOST) -> Logs:
        """What was logged in some traces; empty if nothing was, or if no logs are stored.

        Args:
            trace_ids: in any form that `parse_trace_id` accepts.
            limit: maximum number of records: the first by time.

        Raises:
            InvalidTraceId: one is not the ID of a trace.
        """
        ...

    def trace_json(self, trace_id: str, limit: int | None = None) -> Iterator[bytes]:
        """The same as JSON, piece by piece; a trace may have very many spans."""
        ...
