"""What may be otherwise than a replay assumes, and the replays that assume it otherwise."""

from collections.abc import Collection, Mapping
from itertools import product
from math import sqrt
from typing import Final, Literal, NamedTuple

Doubt = Literal["spread", "timeout", "hang", "publication", "repeats", "breaker"]
"""What may be otherwise than assumed."""

_Z: Final = 1.645
"""Of a normal distribution: 90 % lie within this many standard deviations."""
_MOST_DOUBTS: Final = 3
"""Doubts of which all combinations are replayed; of more, each one alone and all together."""


class Scenario(NamedTuple):
    """What a replay assumes where traces do not tell.

    Attributes:
        spread: 0: a failed call fails its caller as often as it did in the traces, and always if no trace
            tells; -1 and 1: as seldom, and as often, as the number of examples allows.
        gives_up: whether callers with an unknown timeout give up after the longest time seen.
        hangs: whether a service that is down lets its callers wait, instead of refusing.
        publication: 0: a publication takes what is probable; -1 and 1: the least, and the most.
        repeats: whether callers repeat failed calls, of which no trace shows a second attempt.
        breaks: whether the circuit breakers of failed calls are open, so that these are not made.
    """

    spread: int = 0
    gives_up: bool = False
    hangs: bool = False
    publication: int = 0
    repeats: bool = False
    breaks: bool = False

    @classmethod
    def of(cls, given: Mapping[str, int]) -> "Scenario":
        """The scenario with these values."""
        return cls(
            given.get("spread", 0),
            "gives_up" in given,
            "hangs" in given,
            given.get("publication", 0),
            "repeats" in given,
            "breaks" in given,
        )


LIKELY: Final = Scenario()
_EXTREMES: Final[dict[Doubt, tuple[dict[str, int], dict[str, int]]]] = {
    "spread": ({"spread": -1}, {"spread": 1}),
    "timeout": ({}, {"gives_up": True}),
    "hang": ({}, {"hangs": True}),
    "publication": ({"publication": -1}, {"publication": 1}),
    "repeats": ({}, {"repeats": True}),
    "breaker": ({}, {"breaks": True}),
}


def scenarios(doubts: Collection[Doubt]) -> list[Scenario]:
    """The extremes of what is in doubt, in all combinations if these are not too many."""
    extremes = [_EXTREMES[doubt] for doubt in sorted(doubts)]
    if len(extremes) <= _MOST_DOUBTS:
        chosen = list(product(*extremes))
    else:
        chosen = [(one,) for both in extremes for one in both]
        chosen += [tuple(one[0] for one in extremes), tuple(one[1] for one in extremes)]
    return list(
        dict.fromkeys(Scenario.of({name: at for one in each for name, at in one.items()}) for each in chosen)
    )


def interval(part: float, of: int) -> tuple[float, float]:
    """Between which shares the true one lies with 90 % (Wilson, 1927); 0 and 1 without examples."""
    if not of:
        return 0.0, 1.0
    share, square = part / of, _Z * _Z
    centre = share + square / (2 * of)
    spread = _Z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max((centre - spread) / (1 + square / of), 0.0), min((centre + spread) / (1 + square / of), 1.0)
