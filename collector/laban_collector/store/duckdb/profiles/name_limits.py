"""Limits the entries and steps whose counts are kept in an hour: names may come without end."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from laban_collector.store.rows import ProfileCount, ProfileStep

ENTRIES: Final = 1_000
"""Entries of an hour."""
STEPS: Final = 20_000
"""Steps of all entries of an hour."""
_HOURS: Final = 50
"""Hours that are remembered at once."""
_HOUR: Final = 60


class HourLimits:
    """Leaves out the counts of entries and steps beyond a limit, those that came last.

    Args:
        entries: of an hour.
        steps: of an hour.
    """

    def __init__(self, entries: int = ENTRIES, steps: int = STEPS) -> None:
        self._most = (entries, steps)
        self._known: OrderedDict[int, tuple[set[int], set[int]]] = OrderedDict()

    def limited(
        self, steps: Sequence[ProfileStep], counts: Sequence[ProfileCount]
    ) -> tuple[list[ProfileStep], list[ProfileCount]]:
        """Return what is within the limits."""
        # An import may bring more hours than are remembered: one after the other.
        kept = [count for count in sorted(counts, key=_hour) if self._is_known(count)]
        named = {count.step for count in kept}
        return [step for step in steps if step.step in named], kept

    def _is_known(self, count: ProfileCount) -> bool:
        hour = _hour(count)
        if hour not in self._known:
            self._known[hour] = (set(), set())
            if len(self._known) > _HOURS:
                self._known.popitem(last=False)
        entries, steps = self._known[hour]
        return _add(entries, count.entry, self._most[0]) and _add(steps, count.step, self._most[1])


def _hour(count: ProfileCount) -> int:
    return count.minute // _HOUR


def _add(names: set[int], name: int, most: int) -> bool:
    if name not in names and len(names) < most:
        names.add(name)
    return name in names
