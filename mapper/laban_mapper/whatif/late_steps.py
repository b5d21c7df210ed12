"""Which steps of a request end later, or never."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from laban_mapper.model_whatif import LateStep
from laban_mapper.profiles.steps import operation_without_ids
from laban_mapper.spans import NS_PER_MS
from laban_mapper.whatif.event_graph import Node, walk
from laban_mapper.whatif.replay import Outcome

_MOST: Final = 20
_LATER: Final = 0.1
"""A step is late if it ends later by this share of the time, and by a millisecond."""
_RARER: Final = 0.5
"""Of 100 requests: a step that happens in fewer than before is told, too."""


def late_steps(
    graphs: Sequence[Node], before: Sequence[Outcome], after: Sequence[Outcome]
) -> tuple[list[LateStep], int]:
    """The steps that end later or never, the rarer and the latest first, and how many more there are."""
    known: dict[int, Node] = {}
    for graph in graphs:
        for node in walk(graph):
            if node.role == "visit":
                known.setdefault(node.key, node)
    ended = _ends(before), _ends(after)
    found = [
        step
        for key, node in known.items()
        if (step := _step(node, ended[0].get(key, []), ended[1].get(key, []), len(graphs))) is not None
    ]
    found.sort(
        key=lambda one: (one.after_of_100 - one.before_of_100, _earliness(one), one.service, one.operation)
    )
    return found[:_MOST], max(len(found) - _MOST, 0)


def _earliness(step: LateStep) -> float:
    return (step.before_ms or 0.0) - (step.after_ms or 0.0)


def _ends(outcomes: Iterable[Outcome]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for outcome in outcomes:
        for key, end in outcome.ends.items():
            found[key].append(end)
    return found


def _step(node: Node, before: Sequence[int], after: Sequence[int], traces: int) -> LateStep | None:
    was, now = (median(ends) if ends else None for ends in (before, after))
    rarer = 100 * (len(before) - len(after)) / traces > _RARER
    later = was is not None and now is not None and now - was > max(NS_PER_MS, _LATER * was)
    if not (rarer or later):
        return None
    return LateStep(
        service=node.span.service,
        operation=operation_without_ids(node.span),
        by_message=node.delay is not None,
        before_ms=None if was is None else was / NS_PER_MS,
        after_ms=None if now is None else now / NS_PER_MS,
        before_of_100=100 * len(before) / traces,
        after_of_100=100 * len(after) / traces,
    )
