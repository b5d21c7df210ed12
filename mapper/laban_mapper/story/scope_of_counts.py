"""How many others lack a step, or repeat it: from the counts of two places that usually go together.

Nothing counts an absent call. But where each request of a service leads to exactly one call, or to three, the
minutes in which it led to fewer or to more tell how many were left out or repeated.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from laban_collector.store.rows import EdgeMinute
from laban_mapper.model import OrderScope
from laban_mapper.profiles.usual import FEWEST
from laban_mapper.story.causes.facts import Claim, Counted
from laban_mapper.story.scope import Problem, scope_of_calls

_EXACT: Final = 0.02
"""By how much two places may differ from a whole ratio before the fault, as a share of the calls."""


class Pair(NamedTuple):
    """Two places whose counts usually have a fixed ratio.

    Attributes:
        at: when the fault occurred, ns.
        counted: the places.
        wrong: whether there are too few or too many calls of what is made.
    """

    at: int
    counted: Counted
    wrong: Literal["few", "many"]


def pair_of(claim: Claim) -> Pair | None:
    """What to count for a claim about a step that is absent or repeated; None for other claims."""
    if claim.counted is None:
        return None
    return Pair(claim.spans[0].start, claim.counted, "few" if claim.kind == "missing" else "many")


def scope_of_pair(pair: Pair, made: Sequence[EdgeMinute], due: Sequence[EdgeMinute]) -> OrderScope | None:
    """The scope of absent or repeated calls; None if the counts have no fixed ratio before, or do not tell.

    Args:
        pair: what is counted.
        made: the minutes of what is made.
        due: the minutes of what is due.
    """
    of = {one.minute: one.calls for one in due}
    done = {one.minute: one.calls for one in made}
    minutes = sorted(of.keys() | done.keys())
    ratio = _ratio([(done.get(minute, 0), of.get(minute, 0)) for minute in minutes])
    if ratio is None:
        return None
    differences = [done.get(minute, 0) - ratio * of.get(minute, 0) for minute in minutes]
    if pair.wrong == "few":
        differences = [-difference for difference in differences]
    counts = [
        EdgeMinute(minute, of.get(minute, 0), max(difference, 0) // ratio, 0)
        for minute, difference in zip(minutes, _settled(differences), strict=True)
    ]
    scope = scope_of_calls(Problem(pair.at, pair.counted.made, "errors", 1), counts)
    if scope is None or scope.before_of < FEWEST or scope.before_affected > _EXACT * scope.before_of:
        return None
    return scope


def _ratio(counts: Sequence[tuple[int, int]]) -> int | None:
    """The ratio in the usual minute, if it is whole."""
    shares = sorted(made / due for made, due in counts if due)
    if not shares:
        return None
    usual = shares[len(shares) // 2]
    return round(usual) if usual >= 1 - _EXACT and abs(usual - round(usual)) <= _EXACT * usual else None


def _settled(differences: Sequence[int]) -> list[int]:
    """The differences, without what only fell into the minute before or after."""
    settled = list(differences)
    for place in range(len(settled) - 1):
        first, second = settled[place], settled[place + 1]
        if first * second < 0:
            moved = min(abs(first), abs(second))
            settled[place] -= moved if first > 0 else -moved
            settled[place + 1] -= moved if second > 0 else -moved
    return settled
