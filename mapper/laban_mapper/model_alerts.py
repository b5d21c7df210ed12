"""The answer about alerts, as values; see model.py."""

from datetime import datetime

from pydantic import Field

from laban_mapper.model import Answer, BusinessKey, Severity


class Alert(Answer):
    """A condition that is true now, at one place.

    Attributes:
        name: of the condition, stable: `LabanGroupStopped`. It is the name of the rule for Prometheus, too.
        place: what it is about, stable over time: `group mail`, `order POST /orders`.
        sentence: what is the case, with its numbers.
        numbers: the evidence: seconds, messages, and shares from 0 to 1.
        traces: traces that prove it, the best example first.
        order: the order (or another business key) of the first trace; None if it has none.
        link: where to look: a page of the dashboard.
        since: since when it is known to be true; None if nobody kept watch.
    """

    name: str
    place: str
    severity: Severity
    sentence: str
    numbers: dict[str, float] = Field(default_factory=dict[str, float])
    traces: list[str] = Field(default_factory=list[str])
    order: BusinessKey | None = None
    link: str | None = None
    since: datetime | None = None


class Alerts(Answer):
    """The answer to "What is wrong now?": the worst first.

    Attributes:
        alerts: what fires.
        window_s: the seconds before `time` in which calls and messages were counted.
        time: when it was looked at.
        left_out: alerts beyond the limit.
        watched: whether a collector keeps watch (`[alerts]` in laban.toml); then it knows new findings, too.
        judged: whether any operation has an objective of latency or errors; else no alert is about requests.
        newest: when the newest span began; None without any. Before the window of `time`, calls and messages
            are silent because nothing was sent.
    """

    alerts: list[Alert]
    window_s: float
    time: datetime
    left_out: int = 0
    watched: bool = False
    judged: bool = True
    newest: datetime | None = None
