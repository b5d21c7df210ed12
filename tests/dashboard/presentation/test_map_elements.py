from typing import Any, cast

from laban_dashboard.presentation.map_elements import edge_id, edge_label, map_elements, visible_map
from laban_mapper.model import ServiceMap
from tests.dashboard.shop_answers import edge, graph_of, shop_edges, shop_lag


def shop_map() -> ServiceMap:
    return graph_of(shop_edges())


def drawn(found: ServiceMap, **how: Any) -> dict[str, list[dict[str, Any]]]:
    shown = visible_map(found, "", **how)
    return cast("dict[str, list[dict[str, Any]]]", map_elements(shown, 900, shop_lag().groups, None))


def by_id(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in found}


def test_every_node_and_edge_of_the_map_is_drawn() -> None:
    found = shop_map()
    elements = drawn(found)
    assert {node["id"] for node in elements["nodes"]} == {node.id for node in found.nodes}
    assert {one["id"] for one in elements["edges"]} == {edge_id(one) for one in found.edges}


def test_an_edge_label_has_its_rate_its_p95_and_its_error_rate() -> None:
    elements = by_id(drawn(shop_map())["edges"])
    failing = elements["service:order service:inventory sync grpc"]
    assert failing["label"] == "1.0/s\n48 ms\n0.4 % err"
    assert failing["failing"]
    assert not elements["service:order service:user sync grpc"]["failing"]


def test_a_lagging_group_has_a_note_with_its_lag() -> None:
    elements = by_id(drawn(shop_map())["nodes"])
    assert elements["group:email"]["note"] == "272 behind"
    assert elements["group:email"]["status"] == "STOP"
    assert elements["service:email"]["note"] == ""


def test_changed_figures_do_not_move_a_node() -> None:
    busier = [one.model_copy(update={"calls": one.calls * 9, "p95_ms": 1.0}) for one in shop_edges()]
    positions = [(node["id"], node["x"], node["y"]) for node in drawn(shop_map())["nodes"]]
    assert positions == [(node["id"], node["x"], node["y"]) for node in drawn(graph_of(busier))["nodes"]]


def test_the_filter_keeps_matching_nodes_and_their_neighbours() -> None:
    shown = visible_map(shop_map(), "PRICING")
    assert {node.id for node in shown.nodes} == {"service:pricing", "service:inventory"}


def test_without_queues_services_are_connected_directly() -> None:
    shown = visible_map(shop_map(), "", queues=False)
    assert not [node for node in shown.nodes if node.kind in ("topic", "group")]
    asynchronous = {(one.source, one.target): one for one in shown.edges if one.kind == "async"}
    assert asynchronous["service:order", "service:payment"].calls == 882
    assert ("service:payment", "service:email") in asynchronous


def test_of_too_many_nodes_only_the_busiest_are_kept() -> None:
    edges = [edge(f"service:s{at}", f"service:s{at + 1}", "http", calls=at) for at in range(1, 101)]
    shown = visible_map(graph_of(edges), "", limit=10)
    assert len(shown.nodes) == 10
    assert shown.hidden_nodes == 91
    assert {node.id for node in shown.nodes} == {f"service:s{at}" for at in range(91, 101)}


def test_of_too_many_edges_only_the_busiest_are_kept() -> None:
    pairs = [(source, target) for source in range(14) for target in range(14) if source != target]
    edges = [
        edge(f"service:s{source}", f"service:s{target}", "http", calls=at)
        for at, (source, target) in enumerate(pairs)
    ]
    shown = visible_map(graph_of(edges), "")
    assert (len(shown.nodes), len(shown.edges), shown.hidden_edges) == (14, 150, 32)
    assert min(one.calls for one in shown.edges) == 32


def test_a_long_name_is_shortened_in_the_middle() -> None:
    (first, _) = drawn(graph_of([edge("service:" + "a" * 30 + "-backend", "topic:t", "kafka", 1)]))["nodes"]
    assert first["name"] == "a" * 17 + "…aa-backend"


def test_an_edge_between_nodes_of_the_same_name_is_labelled_with_their_kinds() -> None:
    found = graph_of(
        [edge("group:email", "service:email", "kafka", 1), edge("topic:a", "group:b", "kafka", 1)]
    )
    labels = [edge_label(one, found.nodes) for one in found.edges]
    assert labels == ["email (consumer group) → email (service)", "a → b"]
