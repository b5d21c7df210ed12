"""What the rules read, and what they claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from laban_collector.store.rows import Peer, Span
from laban_mapper.model import CauseKind
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.profiles.usual import Usual
from laban_mapper.story.causality import Causality
from laban_mapper.story.messages import Consumption, Published


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the rules may read.

    Attributes:
        causality: the spans of the story.
        entry: the request that the story is about.
        failed: the requests and consumptions that failed for good, the most important first.
        messages: the published messages, with their state in every group.
        steps: the steps of every root with a profile, by the id of the root (of the object).
        usual: the profile of every such root; its own trace and the minutes around it are left out.
        consumption: the consumers of each topic, and how far they are.
        peers: the service at each address.
        last_seen: by service, the end of its newest span anywhere, ns.
        now: ns since the epoch; None if unknown.
        truncated: whether the story has more spans than these.
    """

    causality: Causality
    entry: Span
    failed: Sequence[Span] = ()
    messages: Sequence[Published] = ()
    steps: Mapping[int, Sequence[Occurrence]] = field(default_factory=dict[int, Sequence[Occurrence]])
    usual: Mapping[int, Usual] = field(default_factory=dict[int, Usual])
    consumption: Consumption = field(default_factory=Consumption)
    peers: Mapping[Peer, str] = field(default_factory=dict[Peer, str])
    last_seen: Mapping[str, int] = field(default_factory=dict[str, int])
    now: int | None = None
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a rule.

    Attributes:
        kind: of the cause.
        service: whom it blames.
        operation: what the service did, or did not do.
        sentence: the claim for people, without a full stop; begins with the service.
        spans: the spans that prove it; the first is where the fault lies.
        explains: the failed spans, or the delay, that follow from it; empty if it explains no outcome.
        usual: the usual value in ms.
        examples: how many traces the usual value rests on.
        weight: among claims of one kind, the largest explains most: ns of delay, or number of spans.
    """

    kind: CauseKind
    service: str
    operation: str
    sentence: str
    spans: tuple[Span, ...]
    explains: tuple[Span, ...] = ()
    usual: float | None = None
    examples: int | None = None
    weight: float = 0.0


Rule = Callable[[Facts], list[Claim]]
"""A rule: finds its claims, or none."""
