"""What the rules read, and what they claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from laban_collector.store.rows import EdgePlace, Peer, Span
from laban_mapper.model import CauseKind
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.steps import Occurrence, entry_id, entry_roots, occurrences
from laban_mapper.profiles.usual import FEWEST, Entry, Usual, UsualStep
from laban_mapper.story.causality import Causality
from laban_mapper.story.inner_errors import Attempts
from laban_mapper.story.messages import Consumption, Published
from laban_mapper.story.poison_messages import Poison
from laban_mapper.story.root_cause import Origin

_OFTEN: Final = 0.05
"""The share of failures from which on an error is usual."""
_MOST_ENTRIES: Final = 10
"""Entries of a story that are compared with what is usual: the first; a trace may have thousands of roots."""

UsualOf = Callable[[Sequence[Entry]], Mapping[int, Usual]]
"""Returns the profiles of entries, by `Entry.entry`."""
LastSeen = Callable[[str], int | None]
"""Returns the end of the newest span of a service anywhere, ns; None if it has none."""


def _never_seen(_service: str) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the rules may read.

    Attributes:
        causality: the spans of the story.
        entry: the request that the story is about.
        failed: the requests and consumptions that failed for good, the most important first.
        origins: where each of them began to fail, in the same order.
        inner: errors that did not fail the order: something above them, or a later attempt, went well.
        caught: where those of them began that no later attempt made good.
        messages: the published messages, with their state in every group.
        poison: those of the messages that no group could read.
        steps: the steps of every root with a profile, by the id of the root (of the object).
        usual: the profile of every such root; its own trace and the minutes around it are left out.
        consumption: the consumers of each topic, and how far they are.
        peers: the service at each address.
        last_seen: returns the end of the newest span of a service anywhere.
        now: ns since the epoch; None if unknown.
        truncated: whether the story has more spans than these.
    """

    causality: Causality
    entry: Span
    failed: Sequence[Span] = ()
    origins: Sequence[Origin] = ()
    inner: Sequence[Attempts] = ()
    caught: Sequence[Origin] = ()
    messages: Sequence[Published] = ()
    poison: Sequence[Poison] = ()
    steps: Mapping[int, Sequence[Occurrence]] = field(default_factory=dict[int, Sequence[Occurrence]])
    usual: Mapping[int, Usual] = field(default_factory=dict[int, Usual])
    consumption: Consumption = field(default_factory=Consumption)
    peers: Mapping[Peer, str] = field(default_factory=dict[Peer, str])
    last_seen: LastSeen = _never_seen
    now: int | None = None
    truncated: bool = False
    _places: dict[int, tuple[int, Occurrence]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places: dict[int, tuple[int, Occurrence]] = {}
        for root, steps in self.steps.items():
            for one in steps:
                places.setdefault(id(one.span), (root, one))
        object.__setattr__(self, "_places", places)

    def step_of(self, span: Span) -> tuple[int, Occurrence] | None:
        """The step that a span is, and the id of its root (of the object); None if it is none."""
        return self._places.get(id(span))


class Counted(NamedTuple):
    """Two places of the graph whose counts usually go together.

    Attributes:
        made: the calls or messages that are absent or repeated.
        due: the requests or messages that each lead to them.
    """

    made: EdgePlace
    due: EdgePlace


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a rule.

    Attributes:
        kind: of the cause.
        service: whom it blames.
        operation: what the service did, or did not do.
        sentence: the claim for people, without a full stop; begins with the service.
        spans: the spans that prove it; the first is where the fault lies.
        explains: the failed spans, or the delay, that follow from it, the nearest first; empty if it explains
            no outcome.
        error: the error in one line, of claims that explain a failure.
        usual: the usual value in ms.
        examples: how many traces the usual value rests on.
        group: the consumer group, of claims about a message that waits.
        weight: among claims of one kind, the largest explains most: ns of delay, or number of spans.
        counted: where others that lack or repeat the same step are counted; None if nothing counts them.
    """

    kind: CauseKind
    service: str
    operation: str
    sentence: str
    spans: tuple[Span, ...]
    explains: tuple[Span, ...] = ()
    error: str | None = None
    usual: float | None = None
    examples: int | None = None
    group: str | None = None
    weight: float = 0.0
    counted: Counted | None = None


Rule = Callable[[Facts], list[Claim]]
"""A rule: finds its claims, or none."""


def compare_with_usual(
    causality: Causality, usual_of: UsualOf | None
) -> tuple[dict[int, Sequence[Occurrence]], dict[int, Usual]]:
    """The steps and the profile of every root that has a profile, by the id of the root."""
    if usual_of is None:
        return {}, {}
    entries: list[tuple[Span, Entry]] = []
    for root in entry_roots(causality):
        last = max([causality.end(root), *map(causality.end, causality.below(root))])
        end = root.start + last - causality.start(root)  # by the clock of the root, as profiles are kept
        entries.append((root, Entry(entry_id(root), root.trace_id, root.start, end)))
    first = list(dict.fromkeys(entry.entry for _, entry in entries))[:_MOST_ENTRIES]
    entries = [(root, entry) for root, entry in entries if entry.entry in first]
    known = usual_of([entry for _, entry in entries]) if entries else {}
    compared = [(root, known[entry.entry]) for root, entry in entries if entry.entry in known]
    steps: dict[int, Sequence[Occurrence]] = {id(root): occurrences(causality, root) for root, _ in compared}
    return steps, {id(root): usual for root, usual in compared}


def usual_step_of(span: Span, facts: Facts) -> UsualStep | None:
    """The step of a span in the profile of its root; None if it is no step, or if no example has it."""
    place = facts.step_of(span)
    usual = None if place is None else facts.usual.get(place[0])
    return None if place is None or usual is None else usual.step(place[1].step)


def is_usual_error(span: Span, facts: Facts) -> bool:
    """Whether the step of a failed span often fails, such as the look-up of a cache that misses."""
    usual = usual_step_of(span, facts)
    seen = 0 if usual is None else usual.sketch(Measure.SEEN).count
    return usual is not None and seen >= FEWEST and (seen - usual.ok) / seen >= _OFTEN
