"""Nothing in a picture lies on anything else: measured in the geometry of the SVG."""

from itertools import combinations

import pytest

from laban_mapper.diagrams.choosing import Wanted, choose
from laban_mapper.diagrams.flow import depths
from laban_mapper.diagrams.graph import View
from laban_mapper.diagrams.registry import FORMATS

from .geometry import Picture, read
from .systems import system

CASES = [
    (5, 1, View()),
    (20, 2, View()),
    (20, 3, View(topics="collapse")),
    (30, 4, View(labels="contract", by_namespace=True)),
    (60, 5, View(labels="rate")),
    (60, 6, View()),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]} nodes, {case[2].labels}")
def picture(request: pytest.FixtureRequest) -> Picture:
    nodes, seed, view = request.param
    found = system(nodes, seed, ("shop", "billing") if view.by_namespace else ())
    graph = choose(found, Wanted(view=view, everything=True), "1", picture=True)
    return read(FORMATS["svg"].write(graph))


def test_no_label_lies_on_another_label_or_on_a_node(picture: Picture) -> None:
    assert picture.labels
    several = [(one, two) for one, two in combinations(picture.labels, 2) if one.name != two.name]
    assert [pair for pair in several if pair[0].overlaps(pair[1])] == []
    assert [(one, node) for one in picture.labels for node in picture.nodes if one.overlaps(node)] == []


def test_no_arrow_crosses_a_label(picture: Picture) -> None:
    crossed = [
        (arrow, label.name)
        for arrow, points in picture.arrows.items()
        for label in picture.labels
        if any(label.contains(point) for point in points)
    ]
    assert crossed == []


def test_every_name_fits_into_its_node(picture: Picture) -> None:
    outlines = {node.name: node for node in picture.nodes}
    for line in picture.names:
        node = outlines[line.name]
        assert node.left <= line.left
        assert line.right <= node.right


def test_no_node_lies_on_another(picture: Picture) -> None:
    assert [pair for pair in combinations(picture.nodes, 2) if pair[0].overlaps(pair[1])] == []


def test_requests_come_in_on_the_left(picture: Picture) -> None:
    [entry] = [node for node in picture.nodes if node.name == "entry_clients"]
    assert entry.left == min(node.left for node in picture.nodes)


def test_depths_follow_the_shortest_way_from_the_entries() -> None:
    pairs = [("e", "a"), ("a", "b"), ("b", "a"), ("a", "c"), ("c", "b"), ("x", "y"), ("q", "p"), ("p", "q")]
    found = depths({node for pair in pairs for node in pair}, pairs, ["e"])
    assert found == {"e": 0, "p": 0, "x": 0, "a": 1, "q": 1, "y": 1, "b": 2, "c": 2}
    assert list(found) == ["e", "p", "x", "a", "q", "y", "b", "c"]
