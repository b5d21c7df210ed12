from typing import Any, cast

import pytest

from laban_dashboard.presentation.map.elements import map_elements
from laban_dashboard.presentation.map.namespaces import folds
from laban_dashboard.presentation.map.scope import MapScope, VisibleMap, visible_map
from laban_mapper.model import Node, ServiceMap
from tests.dashboard.shop_answers import edge, graph_of, shop_edges


def shop_map() -> ServiceMap:
    return graph_of(shop_edges())


def ids(visible: VisibleMap) -> set[str]:
    return {node.id for node in visible.nodes}


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, {"service:pricing", "service:inventory"}),
        (2, {"service:pricing", "service:inventory", "service:order"}),
    ],
)
def test_the_focus_keeps_a_node_and_its_neighbours(depth: int, expected: set[str]) -> None:
    assert ids(visible_map(shop_map(), MapScope(focus="service:pricing", depth=depth))) == expected


def test_without_queues_services_are_connected_directly() -> None:
    shown = visible_map(shop_map(), MapScope(queues=False))
    assert not [node for node in shown.nodes if node.kind in ("topic", "group")]
    asynchronous = {(one.source, one.target): one for one in shown.edges if one.kind == "async"}
    assert asynchronous["service:order", "service:payment"].calls == 882
    assert ("service:payment", "service:email") in asynchronous


def test_quiet_edges_are_left_out_unless_they_fail() -> None:
    edges = [
        edge("service:a", "service:busy", "http", 30),
        edge("service:a", "service:quiet", "http", 29),
        edge("service:a", "service:broken", "http", 1, errors=1),
    ]
    shown = visible_map(graph_of(edges), MapScope(quiet=False))
    assert ids(shown) == {"service:a", "service:busy", "service:broken"}
    assert shown.quiet_edges == 1


def test_a_group_that_stopped_is_never_left_out() -> None:
    found = graph_of([edge("topic:orders", "group:email", "kafka", 0)])
    stopped = [
        node.model_copy(update={"lag_status": "STOP"}) if node.kind == "group" else node
        for node in found.nodes
    ]
    shown = visible_map(found.model_copy(update={"nodes": stopped}), MapScope(quiet=False))
    assert ids(shown) == {"group:email"}


def test_of_too_many_nodes_and_edges_only_the_busiest_are_kept() -> None:
    edges = [edge(f"service:s{at}", f"service:s{at + 1}", "http", calls=at) for at in range(1, 101)]
    shown = visible_map(graph_of(edges), max_nodes=10)
    assert (len(shown.nodes), shown.hidden_nodes) == (10, 91)
    assert ids(shown) == {f"service:s{at}" for at in range(91, 101)}
    shown = visible_map(graph_of(edges), max_edges=3)
    assert ([one.calls for one in shown.edges], shown.hidden_edges) == ([100, 98, 99], 97)


def _spaced() -> ServiceMap:
    found = graph_of(
        [
            edge("service:web", "service:a", "http", 10, errors=1),
            edge("service:web", "service:b", "http", 20),
            edge("service:a", "service:b", "http", 40),
            edge("service:b", "service:b", "http", 2),
        ]
    )

    def namespace(node: Node) -> str | None:
        return None if node.id == "service:web" else "shop"

    nodes = [node.model_copy(update={"namespace": namespace(node)}) for node in found.nodes]
    return found.model_copy(update={"nodes": nodes})


def test_the_services_of_a_namespace_become_one_node() -> None:
    shown = visible_map(_spaced(), MapScope(collapsed=True))
    assert [(node.id, node.name) for node in shown.nodes] == [
        ("namespace:shop", "shop: 2 services"),
        ("service:web", "web"),
    ]
    [into] = shown.edges
    assert (into.source, into.target, into.calls, into.errors, into.p95_ms) == (
        "service:web",
        "namespace:shop",
        30,
        1,
        None,
    )


def test_an_opened_namespace_has_its_services() -> None:
    shown = visible_map(_spaced(), MapScope(collapsed=True, opened=frozenset({"shop"})))
    assert ids(shown) == {"service:web", "service:a", "service:b"}


def test_a_folded_namespace_says_which_of_its_services_fail() -> None:
    found = _spaced()
    edges = [edge.model_copy(update={"errors": edge.calls // 2}) for edge in found.edges]
    shown = visible_map(found.model_copy(update={"edges": edges}), MapScope(collapsed=True))
    assert shown.folded == 2
    assert [node.id for node in shown.failing_inside["namespace:shop"]] == ["service:a", "service:b"]
    [shop] = [one for one in map_nodes(shown) if one["id"] == "namespace:shop"]
    assert (shop["title"], shop["health"], shop["note"]) == (
        "shop\n2 services",
        "failing",
        "2 services fail",
    )


def map_nodes(shown: VisibleMap) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", map_elements(shown, 900, [], None)["nodes"])


def test_around_a_service_nothing_is_folded() -> None:
    shown = visible_map(_spaced(), MapScope(collapsed=True, focus="service:a"))
    assert ids(shown) == {"service:web", "service:a", "service:b"}
    assert shown.folded == 0


@pytest.mark.parametrize(
    ("services", "namespaces", "expected"), [(81, 8, True), (80, 8, False), (81, 1, False), (81, 60, False)]
)
def test_a_large_map_is_folded_if_that_makes_it_smaller(
    services: int,
    namespaces: int,
    expected: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    nodes = [
        Node(id=f"service:s{at}", kind="service", name=f"s{at}", namespace=f"n{at % namespaces}")
        for at in range(services)
    ]
    assert folds(nodes) is expected
    assert not folds([node.model_copy(update={"namespace": None}) for node in nodes])
