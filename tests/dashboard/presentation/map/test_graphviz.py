import math

import pytest

from laban_dashboard.presentation.map.graphviz import NODE_HEIGHT, EdgeCurve, GraphLayout, layout_graph

CHAIN = (("a", 100), ("b", 140), ("c", 100))


def test_callers_are_to_the_left_of_callees() -> None:
    layout = layout_graph(CHAIN, (("a", "b"), ("b", "c")))
    assert layout.centres["a"][0] < layout.centres["b"][0] < layout.centres["c"][0]


def test_a_straight_chain_has_straight_edges() -> None:
    assert layout_graph(CHAIN, (("a", "b"), ("b", "c"))).curves == {}


def test_an_edge_that_skips_nodes_is_routed_around_them() -> None:
    layout = layout_graph(CHAIN, (("a", "b"), ("b", "c"), ("a", "c"), ("a", "c"), ("c", "a")))
    assert layout.curves
    for index, curve in layout.curves.items():
        ends = ("c", "a") if index == 4 else ("a", "c")
        points = _on_screen(layout, curve, *ends)
        assert all(math.dist(point, layout.centres["b"]) > NODE_HEIGHT / 2 for point in points)


def test_two_edges_between_the_same_nodes_do_not_overlap() -> None:
    curves = layout_graph(CHAIN[:2], (("a", "b"), ("a", "b"))).curves
    assert len(curves) == 2
    assert curves[0] != curves[1]


def test_a_self_loop_has_no_curve() -> None:
    assert layout_graph(CHAIN[:1], (("a", "a"),)).curves == {}


def test_an_empty_graph_has_an_empty_layout() -> None:
    assert layout_graph((), ()) == GraphLayout({}, {})


def test_names_are_not_parsed_as_dot_syntax() -> None:
    hostile = 'x" [shape=none]; y -> "'
    assert set(layout_graph(((hostile, 100),), ()).centres) == {hostile}


@pytest.mark.parametrize("count", [1, 7])
def test_the_same_topology_gives_the_same_positions(count: int) -> None:
    nodes = tuple((f"n{at}", 100) for at in range(count + 1))
    edges = tuple((f"n{at}", f"n{at + 1}") for at in range(count))
    first = layout_graph(nodes, edges)
    layout_graph.cache_clear()
    assert layout_graph(nodes, edges) == first


def _on_screen(layout: GraphLayout, curve: EdgeCurve, source: str, target: str) -> list[tuple[float, float]]:
    """Compute the control points as Cytoscape documents them."""
    (x0, y0), (x1, y1) = layout.centres[source], layout.centres[target]
    length = math.hypot(x1 - x0, y1 - y0)
    across = (-(y1 - y0) / length, (x1 - x0) / length)
    return [
        (x0 + (x1 - x0) * weight + across[0] * distance, y0 + (y1 - y0) * weight + across[1] * distance)
        for weight, distance in zip(curve.weights, curve.distances, strict=True)
    ]
