"""Positions for large maps: columns by the distance from where requests come in, in linear time.

Graphviz takes minutes for several hundred edges.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

Point = tuple[float, float]

_GAP: Final = 90
"""Pixels between two columns."""
_PITCH: Final = 72
"""Pixels between the middles of two nodes in a column."""
_SWEEPS: Final = 4
_ASPECT: Final = 1.7
"""The width of the picture in heights."""


def layered(nodes: Sequence[tuple[str, int]], edges: Sequence[tuple[str, str]]) -> dict[str, Point]:
    """Return the centre of each node in pixels; the same input gives the same positions.

    Args:
        nodes: ID and width in pixels.
        edges: source and target.
    """
    if not nodes:
        return {}
    ids = [node for node, _ in nodes]
    columns = _columns(ids, edges)
    _order(columns, edges)
    return _place(_split(columns, len(ids)), dict(nodes))


def _columns(ids: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Put nodes into columns by their distance from a node that nobody calls."""
    callees: dict[str, list[str]] = {node: [] for node in ids}
    called = set[str]()
    for source, target in edges:
        if source != target:
            callees[source].append(target)
            called.add(target)
    distance = {node: 0 for node in ids if node not in called and callees[node]}
    alone = [node for node in ids if node not in called and not callees[node]]
    reached = list(distance)
    # What only a cycle reaches begins with the node that calls most others.
    for start in [None, *sorted(ids, key=lambda node: (-len(callees[node]), node))]:
        if start is not None:
            if start in distance or start in alone:
                continue
            distance[start] = 0
            reached = [start]
        for node in reached:
            for callee in callees[node]:
                if callee not in distance:
                    distance[callee] = distance[node] + 1
                    reached.append(callee)
    columns: list[list[str]] = [[] for _ in range(max(distance.values(), default=-1) + 1)]
    for node in ids:
        if node in distance:
            columns[distance[node]].append(node)
    return [*columns, alone] if alone else columns


def _order(columns: list[list[str]], edges: Sequence[tuple[str, str]]) -> None:
    """Sort each column by the average place of the neighbours in the column before, and back."""
    around: dict[str, list[str]] = {node: [] for column in columns for node in column}
    for source, target in edges:
        around[source].append(target)
        around[target].append(source)
    for sweep in range(_SWEEPS):
        ordered = columns if sweep % 2 == 0 else columns[::-1]
        for before, column in pairwise(ordered):
            places = {node: place / len(before) for place, node in enumerate(before)}
            own = {node: place / len(column) for place, node in enumerate(column)}
            column.sort(key=lambda node: (_mean(around[node], places, own[node]), node))


def _mean(neighbours: Sequence[str], places: Mapping[str, float], otherwise: float) -> float:
    known = [places[node] for node in neighbours if node in places]
    return sum(known) / len(known) if known else otherwise


def _split(columns: Sequence[Sequence[str]], number: int) -> list[Sequence[str]]:
    """Cut long columns, so that the picture is about as wide as a screen."""
    rows = max(8, math.ceil(math.sqrt(number * 250 / _PITCH / _ASPECT)))
    return [column[at : at + rows] for column in columns for at in range(0, len(column), rows)]


def _place(columns: Sequence[Sequence[str]], widths: Mapping[str, int]) -> dict[str, Point]:
    found: dict[str, Point] = {}
    left = 0.0
    for column in columns:
        width = max(widths[node] for node in column)
        top = -(len(column) - 1) * _PITCH / 2
        for row, node in enumerate(column):
            found[node] = (left + width / 2, top + row * _PITCH)
        left += width + _GAP
    return found
