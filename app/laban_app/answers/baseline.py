"""Chooses which of the known traces of an entry a story is compared with."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from laban_collector.store.rows import ALL_STARTS, MINUTE, ProfileCount, ProfileStep
from laban_mapper.profiles.sketch import Measure
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

Counted = Callable[[int, int], list[ProfileCount]]
"""The counts of an entry in all slices that overlap a time, ns."""


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
        examples: traces that are not in the profile yet; empty if it has enough.
    """

    at: int
    profiled: int
    looked: int
    steps: list[ProfileStep]
    counts: list[ProfileCount]
    examples: list[Example]

    def number(self, entry: int) -> int:
        """How many traces it rests on."""
        return examples_in(self.counts, entry) + len(self.examples)

    def until(self, entry: int) -> int:
        """When it is read again although nothing else was counted, ns: sooner if it may have new examples."""
        return self.at + _KEPT if examples_in(self.counts, entry) >= ENOUGH else self.looked + LOOK

    def usual(self, examples: Iterable[Example]) -> Usual:
        """The profile together with some of the examples."""
        steps = {step.step: step for step in self.steps}
        counts = list(self.counts)
        for one in examples:
            steps.update((step.step, step) for step in one.steps)
            counts += one.counts
        return Usual(steps.values(), counts)


class Part(NamedTuple):
    """A profile without the traces of some time.

    Attributes:
        number: of the traces in it.
        examples: of other times.
        left_out: what has to be subtracted.
    """

    number: int
    examples: list[Example]
    left_out: list[ProfileCount]


def part_to_compare(known: Known, entry: int, begin: int, end: int, counted: Counted) -> Part | None:
    """The part of a profile that a story is compared with; None if there are too few examples apart from it.

    An incident is in what comes after an order, too. Only an order among the first ones needs that.

    Args:
        known: the whole profile.
        entry: of the profile.
        begin: of the story, ns.
        end: of the story, ns.
        counted: reads other times, from the same state of the store as the profile.
    """
    if known.number(entry) < FEWEST:
        return None
    around = (storable(begin - _AROUND), storable(end + _AROUND))
    before = Part(0, [], [])
    for margin, enough in _BEFORE:
        before = _part(known, entry, (storable(begin - margin), ALL_STARTS[1]), counted)
        if before.number >= enough:
            return before
    apart = _part(known, entry, around, counted)
    if before.number >= max(FEWEST, apart.number - before.number):
        return before
    if apart.number >= FEWEST:
        return apart
    before = _part(known, entry, (begin, ALL_STARTS[1]), counted)
    return before if before.number >= FEWEST else None


def _part(known: Known, entry: int, without: tuple[int, int], counted: Counted) -> Part:
    """The part of a profile without the traces of a time."""
    distant = [one for one in known.examples if not without[0] <= one.start < without[1]]
    counts = counted(*without) if known.counts else []
    number = examples_in(known.counts, entry) - examples_in(counts, entry) + len(distant)
    return Part(number, distant, counts)


def examples_in(counts: Iterable[ProfileCount], entry: int) -> int:
    """How many traces of an entry were counted."""
    return sum(
        number
        for count in counts
        if count.step == entry and count.measure == Measure.SEEN
        for _, number in count.buckets
    )
