"""What the rules read, and what they find."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.findings.thresholds import Objectives, Thresholds
from laban_mapper.model import LagReport, ServiceMap, Severity
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.story.causality import Causality

MOST_PROOFS: Final = 5
"""Traces that a finding names as proof."""


@dataclass(frozen=True, slots=True)
class SampledTrace:
    """A trace, with all that followed from it.

    Attributes:
        trace_id: of the root.
        causality: its spans, and those of the traces that follow from it.
        root: the request or message with which it begins.
        steps: the steps that follow from the root, each after the step above it.
    """

    trace_id: str
    causality: Causality
    root: Span
    steps: Sequence[Occurrence]


@dataclass(frozen=True, slots=True)
class SampledEntry:
    """An entry operation, and some of its traces, chosen by their random ids alone.

    Attributes:
        service: that the operation belongs to, with its namespace if the map shows one.
        operation: of the root, such as `POST /orders`.
        seen: traces of this entry in the time range.
        traces: those that were looked at.
    """

    service: str
    operation: str
    seen: int
    traces: Sequence[SampledTrace]

    @property
    def name(self) -> str:
        """The name of the entry for people, and in `laban.toml`."""
        return f"{self.service} {self.operation}"


@dataclass(frozen=True, slots=True)
class System:
    """Everything that the rules may read: one time range of one system.

    Attributes:
        map: its services, topics and groups, with all calls and messages of the time range.
        lag: how far behind its consumer groups are now.
        entries: its entry operations, the busiest first, with sampled traces.
        thresholds: the limits of the rules.
        objectives: what was promised.
        now: ns since the epoch.
    """

    map: ServiceMap
    lag: LagReport
    entries: Sequence[SampledEntry]
    thresholds: Thresholds = field(default_factory=Thresholds)
    objectives: Objectives = field(default_factory=Objectives)
    now: int = 0

    @property
    def traces(self) -> Iterable[SampledTrace]:
        """The sampled traces of all entries."""
        return (trace for entry in self.entries for trace in entry.traces)


@dataclass(frozen=True, slots=True)
class Found:
    """One place where a rule applies.

    Attributes:
        place: what it is about, stable over time: `order → inventory`, `topic orders`, `order POST /orders`.
        sentence: what is the case there, with its numbers, for people.
        numbers: the evidence, by name; milliseconds, counts and shares from 0 to 1.
        traces: ids of traces that prove it.
        advice: what to do here; None: the advice of the rule.
        severity: of this place; None: that of the rule.
    """

    place: str
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict[str, float])
    traces: Sequence[str] = ()
    advice: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: finds the places where it applies.

    Attributes:
        code: stable: `L001`.
        name: stable: `deep-sync-chain`.
        severity: `info`, `warning` or `error`.
        why: one sentence on why it matters.
        advice: what to do, by the question whether the caller needs the answer now.
        find: the function from the system to the places.
    """

    code: str
    name: str
    severity: Severity
    why: str
    advice: str
    find: Callable[[System], Iterable[Found]]
