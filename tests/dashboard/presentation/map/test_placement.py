"""Nodes stand still, and large maps are laid out in a blink."""

import time
from itertools import combinations

from laban_dashboard.presentation.map.graphviz import NODE_HEIGHT
from laban_dashboard.presentation.map.layers import layered
from laban_dashboard.presentation.map.placement import Placement

NODES = [(name, 100) for name in "abcde"]
EDGES = [("a", "b"), ("b", "c"), ("a", "d"), ("d", "e"), ("a", "e")]


def large() -> tuple[list[tuple[str, int]], list[tuple[str, str]]]:
    """500 services and 2,000 calls among them."""
    nodes = [(f"s{at}", 96 + at % 80) for at in range(500)]
    steps = (1, 7, 41, 139)
    return nodes, [(f"s{at}", f"s{(at * 3 + step) % 500}") for at in range(500) for step in steps]


def overlapping(centres: dict[str, tuple[float, float]], widths: dict[str, int]) -> list[tuple[str, str]]:
    return [
        (one, other)
        for one, other in combinations(centres, 2)
        if abs(centres[one][0] - centres[other][0]) < (widths[one] + widths[other]) / 2
        and abs(centres[one][1] - centres[other][1]) < NODE_HEIGHT
    ]


def test_a_new_node_moves_no_other_and_covers_none() -> None:
    placement = Placement()
    before = placement.place(NODES, EDGES)
    nodes, edges = [*NODES, ("new", 200), ("caller", 100)], [*EDGES, ("b", "new"), ("caller", "a")]
    after = placement.place(nodes, edges)
    assert {node: after.centres[node] for node, _ in NODES} == before.centres
    assert after.centres["new"][0] > after.centres["b"][0]
    assert after.centres["caller"][0] < after.centres["a"][0]
    assert overlapping(after.centres, dict(nodes)) == []


def test_a_node_that_comes_back_is_where_it_was() -> None:
    placement = Placement()
    before = placement.place(NODES, EDGES)
    without = [(one, other) for one, other in EDGES if "c" not in (one, other)]
    placement.place([node for node in NODES if node[0] != "c"], without)
    after = placement.place(NODES, EDGES)
    assert after.centres == before.centres
    assert after.curves == before.curves


def test_a_map_that_is_mostly_new_is_laid_out_anew() -> None:
    placement = Placement()
    placement.place(NODES[:2], EDGES[:1])
    assert placement.place(NODES, EDGES) == Placement().place(NODES, EDGES)


def test_a_large_map_is_laid_out_fast_without_overlaps_and_always_in_the_same_way() -> None:
    nodes, edges = large()
    begun = time.process_time()
    found = layered(nodes, edges)
    assert time.process_time() - begun < 1.0
    assert set(found) == {node for node, _ in nodes}
    assert overlapping(found, dict(nodes)) == []
    assert layered(nodes, edges) == found
    width = max(x for x, _ in found.values()) - min(x for x, _ in found.values())
    height = max(y for _, y in found.values()) - min(y for _, y in found.values())
    assert 0.8 < width / height < 4


def test_a_cycle_and_a_node_without_edges_have_places() -> None:
    found = layered([("a", 90), ("b", 90), ("alone", 90)], [("a", "b"), ("b", "a"), ("a", "a")])
    assert set(found) == {"a", "b", "alone"}
    assert layered([], []) == {}
