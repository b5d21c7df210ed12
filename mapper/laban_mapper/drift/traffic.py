"""Whether there was enough traffic to tell that something is gone.

A fact has chances: what it could have followed from. A call has the requests and messages that its caller
took; what consumes a topic has the messages of the topic. Its share is how often it happened per chance. With
`n` chances and a share of `p`, seeing nothing happens by chance with a probability of about `exp(-n * p)`. So
at least 7 must have been expected: then it is less than one in a thousand.

The share is learned from the traffic before the time range. If that does not know the fact, the rarest other
thing that the same service does, or that consumes the same topic, stands for it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from laban_mapper.drift.facts import NO_GROUP, Fact, Seen
from laban_mapper.drift.naming import ENTRY

FEWEST: Final = 20
"""Chances without which nothing is told."""
_EXPECTED: Final = 7.0
"""exp(-7) is 0.0009."""
_FROM_OUTSIDE: Final = (ENTRY, "external:")
_OWNED: Final = ("call", "operation", "publisher")


@dataclass(frozen=True, slots=True)
class Telling:
    """What the traffic tells about a fact that was not seen.

    Attributes:
        enough: whether it is gone.
        chances: how often it could have happened.
        share: how often it usually happens per chance; None if nothing tells.
        source: what the share was learned from.
    """

    enough: bool
    chances: int
    share: float | None = None
    source: Literal["before", "others", "complete"] = "others"

    @property
    def expected(self) -> float | None:
        """How often it should have been seen."""
        return None if self.share is None else self.chances * self.share


class Traffic:
    """How often everything happened in a time range, and what it could have followed from."""

    def __init__(self, facts: Mapping[Fact, Seen]) -> None:
        self._facts = facts
        self._taken: defaultdict[str, int] = defaultdict(int)
        self._done: defaultdict[str, int] = defaultdict(int)
        self._messages: defaultdict[str, int] = defaultdict(int)
        self._consumed: defaultdict[str, int] = defaultdict(int)
        self._outside = 0
        in_groups: dict[tuple[str, str], int] = {}
        for fact, seen in facts.items():
            parts = fact.parts
            if fact.kind == "call":
                self._taken[parts[1]] += seen.calls
                self._done[parts[0]] += seen.calls
                self._outside += seen.calls if parts[0].startswith(_FROM_OUTSIDE) else 0
            elif fact.kind == "publisher":
                self._messages[parts[0]] += seen.calls
                self._done[parts[1]] += seen.calls
            elif fact.kind == "consumer":
                self._consumed[parts[0]] = max(self._consumed[parts[0]], seen.calls)
                if parts[1] == NO_GROUP:
                    self._taken[parts[2]] += seen.calls
            elif fact.kind == "worker":
                in_groups[parts[1], parts[2]] = seen.calls  # of all topics of the group
        for (_, service), calls in in_groups.items():
            self._taken[service] += calls

    def chances(self, fact: Fact) -> int:
        """How often a fact could have happened."""
        match fact.kind:
            case "service":
                return self._outside
            case "call" | "operation":
                source = fact.parts[0]
                return self._outside if source.startswith(_FROM_OUTSIDE) else self.activity(source)
            case "publisher":
                return self.activity(fact.parts[1])
            case "consumer" | "worker" | "event":
                topic = fact.parts[0]
                return self._messages[topic] or self._consumed[topic]

    def activity(self, service: str) -> int:
        """Requests and messages that a service took; of one that begins by itself, what it did."""
        return self._taken[service] or self._done[service]

    def count(self, fact: Fact) -> int:
        """How often a fact happened; of a service, how often it was active."""
        if fact.kind == "service":
            return self._taken[fact.parts[0]]
        seen = self._facts.get(fact)
        return seen.calls if seen else 0

    def share(self, fact: Fact) -> float | None:
        """How often a fact happened per chance, at most 1; None if it did not, or had too few chances."""
        calls, chances = self.count(fact), self.chances(fact)
        return min(calls / chances, 1.0) if calls and chances >= FEWEST else None

    def rarest(self, fact: Fact) -> float | None:
        """The share of the rarest other thing of the same owner; of any owner, if it has no other."""
        own = [
            share
            for other in self._facts
            if _is_alike(fact, other) and _owner(other) == _owner(fact) and (share := self.share(other))
        ]
        if own:
            return min(own)
        alike = (self.share(other) for other in self._facts if _is_alike(fact, other))
        return min((share for share in alike if share), default=None)


def telling(fact: Fact, now: Traffic, before: Traffic | None, *, complete: bool) -> Telling:
    """What the traffic tells about a fact that was not seen.

    Args:
        fact: what was not seen.
        now: the traffic of the time range.
        before: the traffic before it, if there is any.
        complete: whether the traffic has everything that the system does, as a test suite may have.
    """
    known = (0, 0) if before is None else (before.count(fact), before.chances(fact))
    return judged(now.chances(fact), known, now.rarest(fact), complete=complete)


def judged(chances: int, before: tuple[int, int], rarest: float | None, *, complete: bool) -> Telling:
    """What it tells that something was not seen in some chances.

    Args:
        chances: how often it could have happened.
        before: how often it happened earlier, and in how many chances.
        rarest: the share of the rarest other thing.
        complete: whether the traffic has everything that the system does.
    """
    if complete:
        return Telling(True, chances, None, "complete")
    calls, of = before
    if calls and of >= FEWEST:
        share = min(calls / of, 1.0)
        return Telling(_is_enough(chances, share), chances, share, "before")
    if rarest is None:
        return Telling(False, chances)
    return Telling(_is_enough(chances, rarest), chances, rarest, "others")


def _is_enough(chances: int, share: float) -> bool:
    return chances >= FEWEST and chances * share >= _EXPECTED


def _is_alike(fact: Fact, other: Fact) -> bool:
    if fact.kind in _OWNED:
        return other.kind in _OWNED and (other.kind == "operation") == (fact.kind == "operation")
    return fact.kind == other.kind


def _owner(fact: Fact) -> str:
    """Who does it, or to what it is done: a service or a topic."""
    match fact.kind:
        case "service":
            return ""
        case "publisher":
            return fact.parts[1]
        case _:
            return fact.parts[0]
