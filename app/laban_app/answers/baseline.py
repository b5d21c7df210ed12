"""Chooses which of the known traces of an entry a story is compared with."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from laban_collector.store.rows import ALL_STARTS, MINUTE, ProfileCount, ProfileStep
from laban_mapper.profiles.usual import FEWEST, Usual
from laban_mapper.times import storable

ENOUGH: Final = 50
"""Examples in the profile, beside which the newest traces are not looked at."""
LOOK: Final = 10 * 10**9
"""ns for which traces that no profile contains are kept."""
_KEPT: Final = 30 * 10**9
"""ns for which a profile is kept in memory."""
_AROUND: Final = 2 * MINUTE
"""How long before and after the order traces may share its fault, ns."""
_BEFORE: Final = ((60 * MINUTE, 150), (10 * MINUTE, 150), (_AROUND, 100))
"""How long before an order its fault may have begun, ns, and how many examples from before that are enough to
look at no others. An incident often lasts for longer than two minutes."""

Range = tuple[int, int]
"""Begin and end, ns."""


class Example(NamedTuple):
    """A trace that is not in the profile yet.

    Attributes:
        trace_id: of the trace.
        start: of its root, ns.
        steps: what it looks like.
        counts: of this trace and entry alone.
    """

    trace_id: str
    start: int
    steps: list[ProfileStep]
    counts: list[ProfileCount]


class Known(NamedTuple):
    """The whole profile of an entry.

    Attributes:
        at: when it was read, ns.
        profiled: the last commit that it contains.
        looked: when the examples were read.
        steps: of the entry.
        counts: of all time slices together.
        slices: start and length in minutes of each slice, and the number of its traces.
        examples: traces that are not in the profile yet; empty if it has enough.
    """

    at: int
    profiled: int
    looked: int
    steps: list[ProfileStep]
    counts: list[ProfileCount]
    slices: list[tuple[int, int, int]]
    examples: list[Example]

    def number_apart_from(self, left_out: Range) -> int:
        """How many traces it rests on if those of all slices that overlap a time are left out."""
        first, last = left_out[0] // MINUTE, -(-left_out[1] // MINUTE)
        counted = sum(
            number for minute, minutes, number in self.slices if minute + minutes <= first or minute >= last
        )
        return counted + len(self.examples_apart_from(left_out))

    def examples_apart_from(self, left_out: Range) -> list[Example]:
        """The examples that did not begin in a time."""
        return [one for one in self.examples if not left_out[0] <= one.start < left_out[1]]

    @property
    def counted(self) -> int:
        """How many traces were counted."""
        return sum(number for _, _, number in self.slices)

    @property
    def until(self) -> int:
        """When it is read again although nothing else was counted, ns: sooner if it may have new examples."""
        return self.at + _KEPT if self.counted >= ENOUGH else self.looked + LOOK

    def usual(self, examples: Iterable[Example]) -> Usual:
        """The profile together with some of the examples."""
        steps = {step.step: step for step in self.steps}
        counts = list(self.counts)
        for one in examples:
            steps.update((step.step, step) for step in one.steps)
            counts += one.counts
        return Usual(steps.values(), counts)


def time_to_leave_out(known: Known, begin: int, end: int) -> Range | None:
    """The time whose traces a story is not compared with; None if there are too few examples of other times.

    An incident is in what comes after an order, too. Only an order among the first ones needs that.

    Args:
        known: the whole profile.
        begin: of the story, ns.
        end: of the story, ns.
    """
    around = (storable(begin - _AROUND), storable(end + _AROUND))
    before, later = 0, around
    for margin, enough in _BEFORE:
        later = (storable(begin - margin), ALL_STARTS[1])
        before = known.number_apart_from(later)
        if before >= enough:
            return later
    apart = known.number_apart_from(around)
    if before >= max(FEWEST, apart - before):
        return later
    if apart >= FEWEST:
        return around
    own = (storable(begin), ALL_STARTS[1])
    return own if known.number_apart_from(own) >= FEWEST else None
