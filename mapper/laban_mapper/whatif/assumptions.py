"""What a replay had to assume, and how the same replay ends if it assumes otherwise."""

from collections.abc import Collection, Iterable
from itertools import product
from math import sqrt
from typing import Final, Literal, NamedTuple

from laban_mapper.names import listed
from laban_mapper.whatif.changes import arrow, told
from laban_mapper.whatif.event_graph import Edge
from laban_mapper.whatif.habits import Share, Timeout

Doubt = Literal["spread", "timeout", "hang", "publication", "repeats"]
"""What may be otherwise than assumed."""

FEW: Final = 20
"""Examples below which a learned value is called rough."""
_MOST_CALLS: Final = 10
"""Calls that one sentence names."""
_Z: Final = 1.645
"""Of a normal distribution: 90 % lie within this many standard deviations."""
PUBLICATIONS: Final = (1_000_000, 5_000_000, 20_000_000)
"""ns that publishing a message takes at least, probably and at most, if no trace has a publication."""
ATTEMPTS: Final = 3
"""Attempts that the range has, if no trace shows how often a failed call is made again: a usual default."""
PAUSE: Final = 100_000_000
"""ns between these attempts."""
_MOST_DOUBTS: Final = 3
"""Doubts of which all combinations are replayed; of more, each one alone and all together."""
REFUSAL: Final = 1_000_000
"""ns in which a call is refused, if no trace has a refused one."""


class Scenario(NamedTuple):
    """What a replay assumes where traces do not tell.

    Attributes:
        spread: 0: a failed call fails its caller as often as it did in the traces, and always if no trace
            tells; -1 and 1: as seldom, and as often, as the number of examples allows.
        gives_up: whether callers with an unknown timeout give up after the longest time seen.
        hangs: whether a service that is down lets its callers wait, instead of refusing.
        publication: 0: a publication takes what is probable; -1 and 1: the least, and the most.
        repeats: whether callers repeat failed calls, of which no trace shows a second attempt.
    """

    spread: int = 0
    gives_up: bool = False
    hangs: bool = False
    publication: int = 0
    repeats: bool = False


LIKELY: Final = Scenario()


_EXTREMES: Final[dict[Doubt, tuple[dict[str, int], dict[str, int]]]] = {
    "spread": ({"spread": -1}, {"spread": 1}),
    "timeout": ({}, {"gives_up": True}),
    "hang": ({}, {"hangs": True}),
    "publication": ({"publication": -1}, {"publication": 1}),
    "repeats": ({}, {"repeats": True}),
}


def scenarios(doubts: Collection[Doubt]) -> list[Scenario]:
    """The extremes of what is in doubt, in all combinations if these are not too many."""
    extremes = [_EXTREMES[doubt] for doubt in sorted(doubts)]
    if len(extremes) <= _MOST_DOUBTS:
        chosen = list(product(*extremes))
    else:
        chosen = [(one,) for both in extremes for one in both]
        chosen += [tuple(one[0] for one in extremes), tuple(one[1] for one in extremes)]
    found = [Scenario(**{name: value for one in each for name, value in one.items()}) for each in chosen]
    return list(dict.fromkeys(found))


def interval(part: float, of: int) -> tuple[float, float]:
    """Between which shares the true one lies with 90 % (Wilson, 1927); 0 and 1 without examples."""
    if not of:
        return 0.0, 1.0
    share, square = part / of, _Z * _Z
    centre = share + square / (2 * of)
    spread = _Z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max((centre - spread) / (1 + square / of), 0.0), min((centre + spread) / (1 + square / of), 1.0)


class Assumptions:
    """Collects what replays assumed, each thing once, in the order in which it came up.

    Attributes:
        doubts: what may be otherwise.
        told: a sentence about each thing.
        unknown: calls of which no trace shows a failure.
        once: calls of which no trace shows a second attempt.
        messages: by the caller and how it publishes, the callees whose calls became messages.
    """

    def __init__(self) -> None:
        self.doubts: set[Doubt] = set()
        self.told: dict[tuple[str, object], str] = {}
        self.unknown: dict[Edge, bool] = {}
        self.once: dict[Edge, bool] = {}
        self.messages: dict[tuple[str, str], dict[str, bool]] = {}

    @property
    def sentences(self) -> list[str]:
        """The assumptions in words."""
        found = [
            f"{caller} publishes a message instead of each call of {listed(list(callees))}, and needs no "
            f"answer before its reply. A message {how}"
            for (caller, how), callees in self.messages.items()
        ]
        found += self.told.values()
        if self.unknown:
            found.append(
                f"No trace shows what a caller does when {_calls(self.unknown)} fails: the caller is "
                "assumed to fail, too. The range also has that it goes on without the answer."
            )
        if self.once:
            found.append(
                f"No trace shows a second attempt of {_calls(self.once)}: a failed one is assumed to be the "
                f"last. The range also has up to {ATTEMPTS} attempts (--retries sets it)."
            )
        return found

    def merge(self, other: "Assumptions") -> None:
        """Add the sentences and doubts of another replay."""
        self.doubts |= other.doubts
        for key, text in other.told.items():
            self.told.setdefault(key, text)
        self.unknown |= other.unknown
        self.once |= other.once
        for key, callees in other.messages.items():
            self.messages.setdefault(key, {}).update(callees)

    def spread(self, edge: Edge, share: Share) -> None:
        """A call failed that did not fail in the trace."""
        self.doubts.add("spread")
        if not share.of:
            self.unknown.setdefault(edge, True)
            return
        rough = ", which is few" if share.of < FEW else ""
        self.told.setdefault(
            ("spread", edge),
            f"{edge[0]} failed in {share.part} of {_times(share.of, 'case')} in which its call of "
            f"{edge[1]} had failed{rough}.",
        )

    def gives_up(self, edge: Edge, limit: Timeout) -> None:
        """A known timeout ended a call."""
        how = "as its spans say" if limit.recorded else "as it did in traces"
        text = f"{edge[0]} waits at most {told(limit.limit)} for {edge[1]}, {how}."
        self.told.setdefault(("limit", edge), text)

    def unlimited(self, edge: Edge, longest: int) -> None:
        """A call takes longer than ever seen, and its timeout is not known."""
        self.doubts.add("timeout")
        text = (
            f"How long {edge[0]} waits for {edge[1]} is not known: it is assumed to wait. The range also has "
            f"that it gives up after {told(longest)}, the longest call seen (--timeout sets it)."
        )
        self.told.setdefault(("limit", edge), text)

    def refused(self, edge: Edge, learned: int | None, limit: Timeout | None) -> None:
        """A service that is down was called."""
        if limit is None:
            hangs = (
                f"If {edge[1]} does not even refuse, {edge[0]} may wait for longer: its timeout is not known."
            )
        else:
            self.doubts.add("hang")
            hangs = f"The range also has that {edge[0]} waits until its timeout of {told(limit.limit)}."
        how = f"in {told(learned)}, as in traces" if learned is not None else "at once"
        self.told.setdefault(
            ("down", edge), f"A call {arrow(edge)} is refused {how}, as if nothing listened. {hangs}"
        )

    def repeats(self, edge: Edge, attempts: int | None) -> None:
        """A call failed that did not fail in the trace: whether it is made again."""
        if attempts is None:
            self.doubts.add("repeats")
            self.once.setdefault(edge, True)
        elif attempts > 1:
            text = f"{edge[0]} calls {edge[1]} up to {attempts} times, as in traces."
            self.told.setdefault(("repeats", edge), text)

    def turned(self, edge: Edge, publication: int | None, wait: int | None) -> None:
        """A call became a message."""
        if publication is None:
            self.doubts.add("publication")
            least, probably, most = map(told, PUBLICATIONS)
            how = f"takes {probably} ({least} to {most}): no trace has a publication"
        else:
            how = f"takes {told(publication)}, as in traces"
        queue = (
            "There is no queue in the traces, so it is read at once."
            if wait is None
            else f"It waits {told(wait)} in the queue, as in traces."
        )
        callees = self.messages.setdefault((edge[0], f"{how}. {queue}"), {})
        callees[edge[1]] = True

    def rescued(self, service: str, examples: int) -> None:
        """A request went on where it had failed in the trace."""
        self.told.setdefault(
            ("rescued", service),
            f"Where a call of {service} no longer fails, {service} goes on as in one of "
            f"{_times(examples, 'trace')} in which it did not fail.",
        )

    def stuck(self, service: str) -> None:
        """A request could go on, but no trace shows how."""
        self.told.setdefault(
            ("stuck", service),
            f"No trace shows how {service} goes on where it failed: it is counted as failed.",
        )

    def waits(self, service: str) -> None:
        """A message waits for a service that is down."""
        self.told.setdefault(
            ("waits", service),
            f"Messages for {service} wait in their queue until it is back: they do not fail.",
        )

    def slower_queue(self, service: str) -> None:
        """A consumer takes longer."""
        self.told.setdefault(
            ("queue", service),
            f"{service} still keeps up with its messages: a queue that grows is not part of the replay.",
        )

    def new_attempt(self, edge: Edge, pause: int | None) -> None:
        """An attempt was made that is not in the trace."""
        how = "at once" if pause is None else f"after {told(pause)}, as in traces"
        self.told.setdefault(
            ("attempt", edge),
            f"A further attempt of {arrow(edge)} comes {how}, and ends like another recorded call.",
        )


def _calls(edges: Iterable[Edge]) -> str:
    found = [arrow(edge) for edge in edges]
    more = [f"{len(found) - _MOST_CALLS} more"] if len(found) > _MOST_CALLS else []
    told_of = found[:_MOST_CALLS] + more
    return told_of[0] if len(told_of) == 1 else f"{', '.join(told_of[:-1])} or {told_of[-1]}"


def _times(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
