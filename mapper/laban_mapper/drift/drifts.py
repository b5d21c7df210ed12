"""Differences, before they become the items of an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from laban_mapper.drift.facts import Fact, Seen
from laban_mapper.drift.kinds import DriftKind
from laban_mapper.drift.traffic import Telling, Traffic


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference.

    Attributes:
        kind: of it.
        place: what it is about.
        sentence: what is different.
        traces: that prove it.
        line: of the file; None if nothing there is about it.
        numbers: what the claim rests on.
    """

    kind: DriftKind
    place: str
    sentence: str
    traces: Sequence[str] = ()
    line: int | None = None
    numbers: Mapping[str, float | str] = field(default_factory=dict[str, float | str])


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between a file and what ran.

    Attributes:
        declared: the facts of the file, with their lines.
        observed: what ran.
        traffic: of it.
        new: facts that are not in the file.
        gone: facts that are only in the file, with enough traffic to tell.
        untold: facts that are only in the file, without.
    """

    declared: Mapping[Fact, int]
    observed: Mapping[Fact, Seen]
    traffic: Traffic
    new: Mapping[Fact, Seen]
    gone: Mapping[Fact, Telling]
    untold: Mapping[Fact, Telling]

    def proof_of_absence(self, fact: Fact) -> tuple[str, ...]:
        """The newest trace in which a fact could have been, but was not."""
        parts = fact.parts
        match fact.kind:
            case "call" | "operation":
                service = parts[0]
            case "publisher":
                service = parts[1]
            case "consumer" | "worker" | "event":
                return self._published(parts[0])
            case "service":
                return ()
        found = self.observed.get(Fact("service", (service,)))
        return () if found is None else found.traces

    def _published(self, topic: str) -> tuple[str, ...]:
        for fact, seen in self.observed.items():
            if fact.kind == "publisher" and fact.parts[0] == topic and seen.traces:
                return seen.traces
        return ()
