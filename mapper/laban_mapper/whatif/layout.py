"""In which order the parts of a span came, and what each of them waited for."""

from dataclasses import dataclass

from laban_mapper.spans import NS_PER_MS
from laban_mapper.whatif.event_graph import Node, Unit
from laban_mapper.whatif.habits import Habits

_LATE = 10 * NS_PER_MS
"""A unit may end this long after a node that waited for it, or a tenth of a longer node."""
_MOST_COMPARED = 200


@dataclass(frozen=True, slots=True)
class Layout:
    """The order of the units of a node. Times are in ns.

    Attributes:
        after: for each unit, those whose end it waited for.
        gaps: for each unit, the time after the last of these ends, the unit before it, or the begin.
        waited: the units whose end the node waited for.
        tail: the time after the last of these ends, until the node ended.
        cause: the unit whose failure was the failure of the node; None if there is none.
    """

    after: list[list[int]]
    gaps: list[int]
    waited: list[int]
    tail: int
    cause: int | None


def layout_of(node: Node, habits: Habits) -> Layout:
    """The order of the units of a node, computed once.

    A unit waited for each unit that had ended before it began, unless the two ran at the same time in some
    trace (as in Chow et al., "The Mystery Machine", OSDI 2014).
    """
    if isinstance(node.layout, Layout):
        return node.layout
    units = node.units
    after = [
        _before(units, number, habits if habits.is_mixed(node) else None) for number in range(len(units))
    ]
    gaps: list[int] = []
    for number, unit in enumerate(units):
        reached = [node.start, *(units[at].end for at in after[number])]
        if number:
            reached.append(units[number - 1].start)
        gaps.append(unit.start - max(reached))
    waited = [number for number, unit in enumerate(units) if _is_waited(node, unit, habits)]
    reached = [node.start, *(unit.start for unit in units[-1:]), *(units[at].end for at in waited)]
    node.layout = Layout(after, gaps, waited, node.end - max(reached), _cause(node))
    return node.layout


def _before(units: list[Unit], number: int, habits: Habits | None) -> list[int]:
    """The units that a unit waited for, without those for which these waited."""
    start = units[number].start
    ended = [at for at in range(number) if units[at].end <= start]
    if habits is not None and number <= _MOST_COMPARED:
        ended = [at for at in ended if not habits.run_together(units[at], units[number])]
        return [
            at
            for at in ended
            if not any(
                units[at].end <= units[later].start and not habits.run_together(units[at], units[later])
                for later in ended
            )
        ]
    latest = max((units[at].start for at in ended), default=None)
    return [at for at in ended if latest is None or units[at].end > latest]


def _is_waited(node: Node, unit: Unit, habits: Habits) -> bool:
    if node.role == "call":
        # A server may end its span after its caller has the answer.
        return not (node.gave_up and unit.end > node.end)
    if not habits.waits_for(unit):
        return False
    return unit.end <= node.end + max(_LATE, node.duration // 10)


def _cause(node: Node) -> int | None:
    """The last failed unit, if nothing came after it."""
    if not node.failed:
        return None
    failed = [at for at, unit in enumerate(node.units) if unit.failed]
    if not failed:
        return None
    last = max(failed, key=lambda at: node.units[at].end)
    return None if any(unit.start >= node.units[last].end for unit in node.units) else last
