"""The positions of the map's nodes: graphviz layers them from left to right, once per topology."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from laban_mapper.diagrams.rendering import draw

_POINTS_PER_INCH = 72
_CURVE_SAMPLES = 4
_FEW = 20
_DENSE = 2.5
_STRAIGHT_WITHIN = 4.0
"""An edge that deviates less than this from a straight line, in pixels, is drawn straight."""

NODE_HEIGHT = 48
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class EdgeCurve:
    """The curve of an edge, relative to the line between its nodes' centres, in Cytoscape's format.

    Attributes:
            weights: positions of the control points along the line, 0 to 1.
            distances: distances of the control points from the line, in pixels.
    """

    weights: tuple[float, ...]
    distances: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GraphLayout:
    """The nodes' centres in pixels, y downwards, and the curves of the edges that are not straight."""

    centres: dict[str, Point]
    curves: dict[int, EdgeCurve]
    """Keyed by the index of the edge in the input."""


@lru_cache(maxsize=64)
def layout_graph(nodes: tuple[tuple[str, int], ...], edges: tuple[tuple[str, str], ...]) -> GraphLayout:
    """Lay out nodes, given as (ID, width in pixels), and edges, given as (source, target).

    The same topology always gives the same positions, cached or not.

    Raises:
            RenderFailed: graphviz cannot run or reports an error.
    """
    if not nodes:
        return GraphLayout({}, {})
    names = {node: f"n{index}" for index, (node, _) in enumerate(nodes)}
    return _read(
        draw(_dot(nodes, edges, names), "plain").decode(), {name: node for node, name in names.items()}, edges
    )


def _dot(nodes: Sequence[tuple[str, int]], edges: Sequence[tuple[str, str]], names: dict[str, str]) -> str:
    """Write the graph in DOT. Generated IDs replace the names, so no data becomes DOT syntax."""
    ranks, beside = (1.5, 0.6) if len(nodes) <= _FEW else (1.1, 0.6)  # inches; a picture that is not too wide
    if len(nodes) > _FEW and len(edges) > _DENSE * len(nodes):
        ranks, beside = 2.0, 0.35  # nor too high, where many edges pass beside the nodes
    lines = [
        "digraph {",
        f'rankdir=LR; nodesep={beside}; ranksep={ranks}; node [shape=box fixedsize=true label=""];',
    ]
    height = NODE_HEIGHT / _POINTS_PER_INCH
    lines += [
        f"{names[node]} [width={width / _POINTS_PER_INCH:.3f} height={height:.3f}];" for node, width in nodes
    ]
    lines += [f"{names[source]} -> {names[target]};" for source, target in edges]
    return "\n".join([*lines, "}"])


def _read(plain: str, nodes: dict[str, str], edges: Sequence[tuple[str, str]]) -> GraphLayout:
    """Parse graphviz's plain format: https://graphviz.org/docs/outputs/plain/."""
    centres: dict[str, Point] = {}
    paths: dict[tuple[str, str], list[list[Point]]] = {}
    for line in plain.splitlines():
        word, *rest = line.split()
        if word == "node":
            centres[nodes[rest[0]]] = _pixels(rest[1], rest[2])
        elif word == "edge":
            numbers = rest[3 : 3 + 2 * int(rest[2])]
            path = [_pixels(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
            paths.setdefault((nodes[rest[0]], nodes[rest[1]]), []).append(path)
    curves: dict[int, EdgeCurve] = {}
    for index, (source, target) in enumerate(edges):
        path = paths[source, target].pop(0)
        curve = None if source == target else _curve(centres[source], centres[target], path)
        if curve:
            curves[index] = curve
    return GraphLayout(centres, curves)


def _pixels(x: str, y: str) -> Point:
    """Convert inches, y upwards, to pixels, y downwards."""
    return float(x) * _POINTS_PER_INCH, -float(y) * _POINTS_PER_INCH


def _curve(source: Point, target: Point, path: Sequence[Point]) -> EdgeCurve | None:
    """Convert a Bézier path to a curve; None if it is almost straight."""
    dx, dy = target[0] - source[0], target[1] - source[1]
    length = math.hypot(dx, dy)
    weights: list[float] = []
    distances: list[float] = []
    for x, y in _samples(path):
        along, across = x - source[0], y - source[1]
        weights.append(round((along * dx + across * dy) / length**2, 4))
        distances.append(round((across * dx - along * dy) / length, 1))
    if max(map(abs, distances)) < _STRAIGHT_WITHIN:
        return None
    return EdgeCurve(tuple(weights), tuple(distances))


def _samples(path: Sequence[Point]) -> list[Point]:
    """Sample a chain of cubic Bézier curves at even steps of its parameter."""
    segments = (len(path) - 1) // 3
    found: list[Point] = []
    for step in range(1, _CURVE_SAMPLES + 1):
        at = step / (_CURVE_SAMPLES + 1) * segments
        first = min(int(at), segments - 1)
        found.append(_bezier(path[3 * first : 3 * first + 4], at - first))
    return found


def _bezier(control: Sequence[Point], t: float) -> Point:
    shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x = sum(part * point[0] for part, point in zip(shares, control, strict=True))
    y = sum(part * point[1] for part, point in zip(shares, control, strict=True))
    return x, y
