"""Where the nodes of a map stand: layered from left to right by graphviz, asked once a topology."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from laban_mapper.diagrams.rendering import draw

_POINTS_PER_INCH = 72
_CURVE_SAMPLES = 4
_STRAIGHT_WITHIN = 4.0
"""Pixels off the straight line up to which an edge is drawn straight."""

NODE_HEIGHT = 48
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge's course relative to the line between its nodes' centres, as cytoscape takes it.

    Attributes:
        weights: how far along the line each control point stands, 0 to 1.
        distances: how far beside the line, pixels.
    """

    weights: tuple[float, ...]
    distances: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of the nodes in pixels, y downwards, and the courses of the edges that are not straight."""

    centres: dict[str, Point]
    curves: dict[int, Curve]
    """By the edge's index among those that were laid out."""


@lru_cache(maxsize=64)
def layered(nodes: tuple[tuple[str, int], ...], edges: tuple[tuple[str, str], ...]) -> Layout:
    """Place nodes, given as (id, width in pixels), and edges, given as (from, to).

    The same topology gives the same places, from the cache or not.

    Raises:
        RenderFailed: graphviz could not be run, or refused.
    """
    if not nodes:
        return Layout({}, {})
    names = {node: f"n{index}" for index, (node, _) in enumerate(nodes)}
    return _read(
        draw(_dot(nodes, edges, names), "plain").decode(), {name: node for node, name in names.items()}, edges
    )


def _dot(nodes: Sequence[tuple[str, int]], edges: Sequence[tuple[str, str]], names: dict[str, str]) -> str:
    """The graph for graphviz. Ids stand for names: nothing from the data goes into the text."""
    lines = ["digraph {", 'rankdir=LR; nodesep=0.6; ranksep=1.1; node [shape=box fixedsize=true label=""];']
    height = NODE_HEIGHT / _POINTS_PER_INCH
    lines += [
        f"{names[node]} [width={width / _POINTS_PER_INCH:.3f} height={height:.3f}];" for node, width in nodes
    ]
    lines += [f"{names[source]} -> {names[target]};" for source, target in edges]
    return "\n".join([*lines, "}"])


def _read(plain: str, nodes: dict[str, str], edges: Sequence[tuple[str, str]]) -> Layout:
    """Read graphviz's plain format: https://graphviz.org/docs/outputs/plain/."""
    centres: dict[str, Point] = {}
    courses: dict[tuple[str, str], list[list[Point]]] = {}
    for line in plain.splitlines():
        word, *rest = line.split()
        if word == "node":
            centres[nodes[rest[0]]] = _pixels(rest[1], rest[2])
        elif word == "edge":
            numbers = rest[3 : 3 + 2 * int(rest[2])]
            course = [_pixels(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
            courses.setdefault((nodes[rest[0]], nodes[rest[1]]), []).append(course)
    curves: dict[int, Curve] = {}
    for index, (source, target) in enumerate(edges):
        course = courses[source, target].pop(0)
        curve = None if source == target else _curve(centres[source], centres[target], course)
        if curve:
            curves[index] = curve
    return Layout(centres, curves)


def _pixels(x: str, y: str) -> Point:
    """Inches upwards as pixels downwards."""
    return float(x) * _POINTS_PER_INCH, -float(y) * _POINTS_PER_INCH


def _curve(source: Point, target: Point, course: Sequence[Point]) -> Curve | None:
    """The course relative to the straight line; None where it runs along it."""
    dx, dy = target[0] - source[0], target[1] - source[1]
    length = math.hypot(dx, dy)
    weights: list[float] = []
    distances: list[float] = []
    for x, y in _samples(course):
        along, beside = x - source[0], y - source[1]
        weights.append(round((along * dx + beside * dy) / length**2, 4))
        distances.append(round((beside * dx - along * dy) / length, 1))
    if max(map(abs, distances)) < _STRAIGHT_WITHIN:
        return None
    return Curve(tuple(weights), tuple(distances))


def _samples(course: Sequence[Point]) -> list[Point]:
    """Points within the course, a chain of cubic Bézier curves, at even steps of its parameter."""
    segments = (len(course) - 1) // 3
    found: list[Point] = []
    for step in range(1, _CURVE_SAMPLES + 1):
        at = step / (_CURVE_SAMPLES + 1) * segments
        first = min(int(at), segments - 1)
        found.append(_bezier(course[3 * first : 3 * first + 4], at - first))
    return found


def _bezier(control: Sequence[Point], t: float) -> Point:
    shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x = sum(part * point[0] for part, point in zip(shares, control, strict=True))
    y = sum(part * point[1] for part, point in zip(shares, control, strict=True))
    return x, y
