"""What the conditions read, and what they find."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from laban_collector.store.rows import EntryTimes
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.model import Finding, LagReport, Severity


class DeadLetters(NamedTuple):
    """Messages that were sent to a dead letter topic in the window.

    Attributes:
        topic: the topic.
        messages: how many.
        services: who sent them.
        traces: IDs of the newest traces that did.
    """

    topic: str
    messages: int
    services: Sequence[str]
    traces: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the conditions may read.

    Attributes:
        lag: how far behind the consumer groups are; with the waiting messages, if somebody looked.
        rates: messages per second that come and that are consumed, by cluster, group and topic.
        entries: the operations with an objective.
        dead_letters: the dead letter topics that grew.
        findings: what is wrong with how the services talk; None: nobody looked.
        known: the findings that are not new, as `CODE PLACE`; None: all are.
        limits: when a condition is true.
        objectives: what was promised.
    """

    lag: LagReport = field(default_factory=lambda: LagReport(groups=[]))
    rates: Mapping[tuple[str, str, str], tuple[float | None, float | None]] = field(
        default_factory=dict[tuple[str, str, str], tuple[float | None, float | None]]
    )
    entries: Sequence[EntryTimes] = ()
    dead_letters: Sequence[DeadLetters] = ()
    findings: Sequence[Finding] | None = None
    known: Collection[str] | None = ()
    limits: AlertLimits = field(default_factory=AlertLimits)
    objectives: Objectives = field(default_factory=Objectives)


@dataclass(frozen=True, slots=True)
class Raised:
    """One place where a condition is true.

    Attributes:
        place: what it is about, stable over time.
        sentence: what is the case, with its numbers.
        numbers: the evidence, by name.
        traces: IDs of traces that prove it, the best example first.
        page: the page of the dashboard that shows it, if no trace does: `lag?group=mail`.
        severity: of this place; None: that of the condition.
    """

    place: str
    sentence: str
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])
    traces: Sequence[str] = ()
    page: str = ""
    severity: Severity | None = None


class PrometheusRule(NamedTuple):
    """The same condition for Prometheus, over the metrics of a collector.

    Attributes:
        expression: in PromQL.
        pending_s: seconds for which it has to be true.
        sentence: a template with the labels and the value of what it finds.
        place: likewise, what it is about.
        severity: of the alert; None: that of the condition.
        labels: further ones, which tell several rules of a condition apart.
    """

    expression: str
    pending_s: int
    sentence: str
    place: str
    severity: Severity | None = None
    labels: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: finds the places where it is true.

    Attributes:
        name: stable: `LabanGroupStopped`.
        severity: usually.
        meaning: when it is true, in one sentence.
        raised: the function from what is known to the places.
        rules: the function from limits and objectives to the rules for Prometheus; none without an objective.
    """

    name: str
    severity: Severity
    meaning: str
    raised: Callable[[Situation], Iterable[Raised]]
    rules: Callable[[AlertLimits, Objectives], Iterable[PrometheusRule]]
