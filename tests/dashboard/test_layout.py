import math

import pytest

from laban_dashboard.layout import NODE_HEIGHT, Curve, Layout, layered

CHAIN = (("a", 100), ("b", 140), ("c", 100))


def test_callers_stand_left_of_those_they_call() -> None:
    layout = layered(CHAIN, (("a", "b"), ("b", "c")))
    assert layout.centres["a"][0] < layout.centres["b"][0] < layout.centres["c"][0]


def test_a_straight_chain_has_straight_edges() -> None:
    assert layered(CHAIN, (("a", "b"), ("b", "c"))).curves == {}


def test_an_edge_past_other_nodes_is_led_around_them() -> None:
    layout = layered(CHAIN, (("a", "b"), ("b", "c"), ("a", "c"), ("a", "c"), ("c", "a")))
    assert layout.curves
    for index, curve in layout.curves.items():
        ends = ("c", "a") if index == 4 else ("a", "c")
        points = _on_screen(layout, curve, *ends)
        assert all(math.dist(point, layout.centres["b"]) > NODE_HEIGHT / 2 for point in points)


def test_two_edges_between_the_same_nodes_do_not_cover_each_other() -> None:
    curves = layered(CHAIN[:2], (("a", "b"), ("a", "b"))).curves
    assert len(curves) == 2
    assert curves[0] != curves[1]


def test_a_node_that_calls_itself_is_left_to_the_page() -> None:
    assert layered(CHAIN[:1], (("a", "a"),)).curves == {}


def test_no_nodes_need_no_engine() -> None:
    assert layered((), ()) == Layout({}, {})


def test_names_are_never_read_by_the_engine() -> None:
    hostile = 'x" [shape=none]; y -> "'
    assert set(layered(((hostile, 100),), ()).centres) == {hostile}


@pytest.mark.parametrize("count", [1, 7])
def test_the_same_topology_gives_the_same_places(count: int) -> None:
    nodes = tuple((f"n{at}", 100) for at in range(count + 1))
    edges = tuple((f"n{at}", f"n{at + 1}") for at in range(count))
    first = layered(nodes, edges)
    layered.cache_clear()
    assert layered(nodes, edges) == first


def _on_screen(layout: Layout, curve: Curve, source: str, target: str) -> list[tuple[float, float]]:
    """Where cytoscape puts the control points, by its documentation."""
    (x0, y0), (x1, y1) = layout.centres[source], layout.centres[target]
    length = math.hypot(x1 - x0, y1 - y0)
    across = (-(y1 - y0) / length, (x1 - x0) / length)
    return [
        (x0 + (x1 - x0) * weight + across[0] * distance, y0 + (y1 - y0) * weight + across[1] * distance)
        for weight, distance in zip(curve.weights, curve.distances, strict=True)
    ]
