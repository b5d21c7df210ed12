"""What is usual for an entry operation: the profile as the causes read it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from laban_collector.store.rows import ProfileCount, ProfileStep
from laban_mapper.profiles.sketch import Measure, Sketch

FEWEST: Final = 20
"""Examples without which nothing is called usual."""

_NOTHING: Final = Sketch()


class Entry(NamedTuple):
    """A root of a story that has a profile, and when its part of the story began and ended, in ns."""

    entry: int
    trace_id: str
    begin: int
    end: int


class UsualStep:
    """A step of a profile.

    Attributes:
        about: what it is.
        below: the steps directly below it.
    """

    def __init__(self, about: ProfileStep) -> None:
        self.about = about
        self.below: list[UsualStep] = []
        self._sketches: dict[int, Sketch] = {}

    def add(self, count: ProfileCount) -> None:
        """Add the counts of a time slice."""
        self._sketches.setdefault(count.measure, Sketch()).add(count.buckets)

    def subtract(self, count: ProfileCount) -> None:
        """Leave out counts, such as those of the trace that is judged."""
        if count.measure in self._sketches:
            self._sketches[count.measure].add(count.buckets, -1)

    def sketch(self, measure: Measure) -> Sketch:
        """The values of a measure; empty if there are none."""
        return self._sketches.get(measure, _NOTHING)

    @property
    def ok(self) -> int:
        """In how many traces the step occurred and did not fail."""
        return self.sketch(Measure.OK).count

    def share_of(self, below: "UsualStep") -> float:
        """In what share of the traces with this step a step below it follows; 0 without examples."""
        return min(below.sketch(Measure.SEEN).count / self.ok, 1.0) if self.ok else 0.0


class Usual:
    """The profile of one entry operation.

    Args:
        steps: of the entry.
        counts: of the time slices to compare with.
    """

    def __init__(self, steps: Iterable[ProfileStep] = (), counts: Iterable[ProfileCount] = ()) -> None:
        self._steps = {step.step: UsualStep(step) for step in steps}
        for step in self._steps.values():
            above = self._steps.get(step.about.above)
            if above is not None:
                above.below.append(step)
        for count in counts:
            if count.step in self._steps:
                self._steps[count.step].add(count)

    @property
    def entry(self) -> UsualStep | None:
        """The entry itself; None if nothing is known."""
        return next((step for step in self._steps.values() if step.about.above == 0), None)

    @property
    def examples(self) -> int:
        """How many traces of the entry the profile rests on."""
        return 0 if self.entry is None else self.entry.sketch(Measure.SEEN).count

    def step(self, step: int) -> UsualStep | None:
        """A step; None if no example has it."""
        return self._steps.get(step)

    def steps(self) -> Iterator[UsualStep]:
        """All steps."""
        yield from self._steps.values()

    def without(self, counts: Sequence[ProfileCount]) -> "Usual":
        """Leave out counts, such as those of the trace that is judged; returns this profile."""
        for count in counts:
            if count.step in self._steps:
                self._steps[count.step].subtract(count)
        return self
