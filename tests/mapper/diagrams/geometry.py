"""Where texts, nodes and arrows of an SVG by Graphviz are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from laban_mapper.diagrams.text_size import text_width

Point = tuple[float, float]
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; y grows downwards."""

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def contains(self, point: Point) -> bool:
        return self.left < point[0] < self.right and self.top < point[1] < self.bottom

    def overlaps(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """What an SVG shows.

    Attributes:
        labels: the lines of labels on arrows, and the names of namespaces, as wide as in a wide font.
        nodes: the outlines of the nodes.
        names: the lines in the nodes, by the name of the node.
        arrows: the points of each arrow.
    """

    labels: list[Box]
    nodes: list[Box]
    names: list[Box]
    arrows: dict[str, list[Point]]


def read(svg: bytes) -> Picture:
    """Read a drawing."""
    picture = Picture([], [], [], {})
    for group in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):  # noqa: S314 - our own document
        kind, name = (
            group.get("class"),
            next((one.text or "" for one in group if one.tag.endswith("title")), ""),
        )
        if kind == "node":
            lines = [_text(name, one) for one in group.iter() if one.tag.endswith("}text")]
            if name.startswith(("label", "name")):
                picture.labels.extend(lines)
            else:
                picture.names.extend(lines)
                picture.nodes.append(_outline(name, group))
        elif kind == "edge":
            [path] = [one for one in group.iter() if one.tag.endswith("}path")]
            picture.arrows[group.get("id", "")] = list(_points(path.get("d", "")))
    return picture


def _text(name: str, text: ET.Element) -> Box:
    size, width = (
        float(text.get("font-size", "0")),
        text_width(text.text or "", float(text.get("font-size", "0"))),
    )
    x, y = float(text.get("x", "0")), float(text.get("y", "0"))
    left = x if text.get("text-anchor") == "start" else x - width / 2
    return Box(name, left, y - 0.72 * size, left + width, y + 0.2 * size)


def _outline(name: str, group: ET.Element) -> Box:
    points: list[Point] = []
    for shape in group.iter():
        if shape.tag.endswith("ellipse"):
            x, y, dx, dy = (float(shape.get(key, "0")) for key in ("cx", "cy", "rx", "ry"))
            points += [(x - dx, y - dy), (x + dx, y + dy)]
        text = shape.get("points") or shape.get("d")
        if text:
            numbers = [float(number) for number in _NUMBER.findall(text)]
            points += list(zip(numbers[::2], numbers[1::2], strict=True))
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(name, min(xs), min(ys), max(xs), max(ys))


def _points(path: str) -> Iterator[Point]:
    """Points on a chain of Bézier curves, close to each other."""
    numbers = [float(number) for number in _NUMBER.findall(path)]
    control = list(zip(numbers[::2], numbers[1::2], strict=True))
    for at in range(0, len(control) - 1, 3):
        for step in range(25):
            t = step / 24
            shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            part = control[at : at + 4]
            yield (
                sum(share * x for share, (x, _) in zip(shares, part, strict=True)),
                sum(share * y for share, (_, y) in zip(shares, part, strict=True)),
            )
