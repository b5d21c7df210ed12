"""What the rules read, and what they find."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.findings.thresholds import Objectives, Thresholds
from laban_mapper.model import LagReport, ServiceMap, Severity
from laban_mapper.names import with_namespaces
from laban_mapper.profiles.steps import Occurrence, entry_roots, occurrences
from laban_mapper.story.causality import Causality, without_other_messages
from laban_mapper.story.messages import Consumption, Published, messages_of

MOST_PROOFS: Final = 5
"""Traces that a finding names as proof."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class SampledTrace:
    """A trace, with all that followed from it.

    Attributes:
        trace_id: of the root.
        causality: its spans, and those of the traces that follow from it.
        root: the request or message with which it begins.
        steps: the steps that follow from the root, each after the step above it.
        messages: the published messages, with what each group did with them.
    """

    trace_id: str
    causality: Causality
    root: Span
    steps: Sequence[Occurrence]
    messages: Sequence[Published] = ()


def sampled_traces(
    trace_id: str, spans: Sequence[Span], consumption: Consumption | None = None
) -> list[SampledTrace]:
    """What one trace and all that followed from it shows: one for each root with a profile of its own.

    Args:
        trace_id: of the trace.
        spans: of the trace, and of the traces that follow from it.
        consumption: the consumers of each topic, and how far they are.
    """
    causality = without_other_messages(Causality(with_namespaces(spans)))
    roots = [root for root in entry_roots(causality) if root.trace_id == trace_id]
    messages = messages_of(causality, consumption or Consumption()) if roots else []
    # The messages belong to the trace; a second root does not count them again.
    return [
        SampledTrace(trace_id, causality, root, occurrences(causality, root), () if number else messages)
        for number, root in enumerate(roots)
    ]


def traces_of_one_key(spans: Sequence[Span], consumption: Consumption) -> SampledTrace:
    """What several traces with one message key show together: the messages, and no steps.

    Args:
        spans: of the traces, and of those that follow from them; at least one.
        consumption: the consumers of each topic, and how far they are.
    """
    causality = Causality(spans)
    root = min(causality.spans, key=lambda span: (span.start, span.span_id))
    return SampledTrace(root.trace_id, causality, root, (), messages_of(causality, consumption))


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
        keys: of some keys of sampled messages, all traces that share the key, put together.
        thresholds: the limits of the rules.
        objectives: what was promised.
        now: ns since the epoch.
        whole: whether the sampled traces are all traces of the time range.
    """

    map: ServiceMap
    lag: LagReport
    entries: Sequence[SampledEntry]
    keys: Sequence[SampledTrace] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    objectives: Objectives = field(default_factory=Objectives)
    now: int = 0
    whole: bool = False

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
        compares: what it compares with what, for `--explain`.
        thresholds: the names of the limits in `laban.toml` that it reads.
        example: a sentence of it.
    """

    code: str
    name: str
    severity: Severity
    why: str
    advice: str
    find: Callable[[System], Iterable[Found]]
    compares: str = ""
    thresholds: Sequence[str] = ()
    example: str = ""
