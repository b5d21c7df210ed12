"""Changes that are not in the totals yet, because a span that is still on its way may correct them."""

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from laban_collector.store.duckdb.totals.changes import NOTHING, Amounts, EdgePart

SETTLE: Final = 20.0
"""Seconds for which a change waits: exporters send every 5 s, so the sides of a call arrive separately."""
_MOST_OWED: Final = 50_000
"""Places with corrections that nothing has made up for; beyond it, the oldest are forgotten."""


class Step(NamedTuple):
    """The gains of one counting step.

    Attributes:
        number: the last commit of the step.
        due: the time from which they are settled, in seconds of the clock.
    """

    number: int
    due: float
    gains: Mapping[EdgePart, Amounts]


class UnsettledChanges:
    """Holds gains back for a while; losses count at once.

    So at most what is true is taken, and a call that looked like another one until the span of its callee
    came never is. A loss that comes later than that is made up for by the next gains.
    """

    def __init__(self) -> None:
        self._steps: deque[Step] = deque()
        self.owed: dict[EdgePart, Amounts] = {}
        """Losses that no gain has made up for yet."""
        self.taken = 0
        """The number of the last step that was taken."""

    @property
    def due(self) -> float | None:
        """When the next step is settled; None without steps."""
        return self._steps[0].due if self._steps else None

    def add(self, number: int, changes: Mapping[EdgePart, Amounts], due: float) -> Mapping[EdgePart, Amounts]:
        """Add the changes of a step; return its gains."""
        gains: dict[EdgePart, Amounts] = {}
        for about, amounts in changes.items():
            losses = amounts.losses()
            if losses != NOTHING:
                self.owed[about] = self.owed.get(about, NOTHING).plus(losses)
            if (gain := amounts.gains()) != NOTHING:
                gains[about] = gain
        while len(self.owed) > _MOST_OWED:
            del self.owed[next(iter(self.owed))]
        if gains:
            self._steps.append(Step(number, due, gains))
        return gains

    def take(self, now: float) -> dict[EdgePart, Amounts]:
        """Remove and return what is settled."""
        settled: dict[EdgePart, Amounts] = {}
        while self._steps and self._steps[0].due <= now:
            step = self._steps.popleft()
            self.taken = step.number
            for about, gain in step.gains.items():
                settled[about] = settled.get(about, NOTHING).plus(gain)
        for about in settled.keys() & self.owed.keys():
            rest = settled[about].plus(self.owed.pop(about))
            settled[about] = rest.gains()
            if (losses := rest.losses()) != NOTHING:
                self.owed[about] = losses
        return {about: amounts for about, amounts in settled.items() if amounts != NOTHING}
