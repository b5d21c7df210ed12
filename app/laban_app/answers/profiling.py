"""Counts what stored traces look like: the hook through which a store keeps profiles."""

from collections.abc import Sequence
from typing import Final

from laban_app.answers.closure import Groups, Limits, closure
from laban_collector.store.base import ClosureReader
from laban_collector.store.rows import ALL_STARTS, ProfileCount, ProfileStep
from laban_mapper.profiles.profile import profile_of

_TOGETHER: Final = 32
"""Traces that are read together: a query compares each row with each of them."""
_LIMITS: Final = Limits(traces=1_000, spans=10_000)
_MOST: Final = 20_000
"""Spans that are worked through for traces that are read together: they may share what follows from them."""

Rows = tuple[list[ProfileStep], list[ProfileCount]]


def profile_traces(reader: ClosureReader, traces: Sequence[str]) -> Rows:
    """Count what traces look like; traces that lead to more than can be read are left out."""
    groups: Groups = {}
    steps: list[ProfileStep] = []
    counts: list[ProfileCount] = []
    waiting = [traces[at : at + _TOGETHER] for at in range(0, len(traces), _TOGETHER)]
    while waiting:
        some = waiting.pop()
        found = closure(reader, some, ALL_STARTS, groups, _LIMITS)
        if found.complete:
            profile = profile_of(found.spans, some, _MOST)
            steps += profile.steps
            counts += profile.counts
        elif len(some) > 1:
            half = len(some) // 2
            waiting += [some[:half], some[half:]]
    return list(dict.fromkeys(steps)), counts
