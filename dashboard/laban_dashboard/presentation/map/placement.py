"""Where the nodes of a map stand: laid out once, and kept while a browser shows the map.

A node that comes later is put into a free place near its neighbours. A node that goes and comes back is where
it was. Nothing else moves.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from laban_dashboard.presentation.map.graphviz import NODE_HEIGHT, EdgeCurve, GraphLayout, Point, layout_graph
from laban_dashboard.presentation.map.layers import layered

_GRAPHVIZ_NODES: Final = 80
_GRAPHVIZ_EDGES: Final = 150
"""Graphviz draws better, but takes minutes for several hundred edges."""
_NEW: Final = 0.4
"""The share of nodes without a place from which on everything is laid out anew."""
_PITCH: Final = NODE_HEIGHT + 34
_STEP: Final = 130
_BESIDE: Final = 24
"""Pixels that stay free beside a node."""
_MOST_TRIED: Final = 400

_Ends = tuple[str, str, int]
"""Source and target of an edge, and which of the edges between them it is."""


@dataclass(slots=True)
class Placement:
    """The places of the nodes, and the curves of the edges, of one view of the map."""

    _centres: dict[str, Point] = field(default_factory=dict[str, Point])
    _widths: dict[str, int] = field(default_factory=dict[str, int])
    _curves: dict[_Ends, EdgeCurve] = field(default_factory=dict[_Ends, EdgeCurve])

    def place(self, nodes: Sequence[tuple[str, int]], edges: Sequence[tuple[str, str]]) -> GraphLayout:
        """Return where everything stands.

        Args:
            nodes: ID and width in pixels.
            edges: source and target.

        Raises:
            RenderFailed: graphviz cannot run or reports an error.
        """
        new = [(node, width) for node, width in nodes if node not in self._centres]
        if len(new) > _NEW * len(nodes):
            self._lay_out(nodes, edges)
        else:
            for node, width in new:
                self._add(node, width, edges)
        curves = {
            index: curve
            for index, ends in enumerate(_numbered(edges))
            if (curve := self._curves.get(ends)) is not None
        }
        return GraphLayout({node: self._centres[node] for node, _ in nodes}, curves)

    def _lay_out(self, nodes: Sequence[tuple[str, int]], edges: Sequence[tuple[str, str]]) -> None:
        if len(nodes) <= _GRAPHVIZ_NODES and len(edges) <= _GRAPHVIZ_EDGES:
            layout = layout_graph(tuple(nodes), tuple(edges))
        else:
            layout = GraphLayout(layered(nodes, edges), {})
        ends = list(_numbered(edges))
        self._centres, self._widths = dict(layout.centres), dict(nodes)
        self._curves = {ends[index]: curve for index, curve in layout.curves.items()}

    def _add(self, node: str, width: int, edges: Sequence[tuple[str, str]]) -> None:
        """Put a node to the right of its callers, or else to the left of its callees, where there is room."""
        callers = [self._centres[one] for one, other in edges if other == node and one in self._centres]
        callees = [self._centres[other] for one, other in edges if one == node and other in self._centres]
        if callers:
            x, step = max(point[0] for point in callers) + width / 2 + _STEP, 1
        elif callees:
            x, step = min(point[0] for point in callees) - width / 2 - _STEP, -1
        else:
            x, step = min((point[0] for point in self._centres.values()), default=0.0), -1
        near = callers or callees or [(x, 0.0)]
        y = sum(point[1] for point in near) / len(near)
        self._centres[node] = self._free(x, y, width, step)
        self._widths[node] = width

    def _free(self, x: float, y: float, width: int, step: int) -> Point:
        """Return the first free place: above and below first, then a column further."""
        for tried in range(_MOST_TRIED):
            column, row = divmod(tried, 12)
            offset = (row + 1) // 2 * (1 if row % 2 else -1)
            place = (x + step * column * (width + _STEP), y + offset * _PITCH)
            if self._is_free(place, width):
                return place
        return (x, max((point[1] for point in self._centres.values()), default=0.0) + _PITCH)

    def _is_free(self, place: Point, width: int) -> bool:
        return all(
            abs(place[0] - x) >= (width + self._widths[node]) / 2 + _BESIDE or abs(place[1] - y) >= _PITCH - 8
            for node, (x, y) in self._centres.items()
        )


def _numbered(edges: Sequence[tuple[str, str]]) -> list[_Ends]:
    """Number the edges between the same two nodes."""
    seen: Counter[tuple[str, str]] = Counter()
    found: list[_Ends] = []
    for pair in edges:
        found.append((*pair, seen[pair]))
        seen[pair] += 1
    return found
