from typing import Any, cast

from laban_dashboard.map_view import edge_id, elements, narrowed
from laban_mapper.model import ServiceMap
from tests.dashboard.shop import edge, graph_of, shop_edges, shop_lag


def shop_map() -> ServiceMap:
    return graph_of(shop_edges())


def drawn(found: ServiceMap, **how: Any) -> dict[str, list[dict[str, Any]]]:
    shown = narrowed(found, "", **how)
    return cast("dict[str, list[dict[str, Any]]]", elements(shown, 900, shop_lag().groups, None))


def by_id(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in found}


def test_every_node_and_edge_of_the_map_is_drawn() -> None:
    found = shop_map()
    told = drawn(found)
    assert {node["id"] for node in told["nodes"]} == {node.id for node in found.nodes}
    assert {one["id"] for one in told["edges"]} == {edge_id(one) for one in found.edges}


def test_an_edge_tells_its_rate_its_p95_and_its_errors() -> None:
    told = by_id(drawn(shop_map())["edges"])
    failing = told["service:order service:inventory sync grpc"]
    assert failing["label"] == "1.0/s\n48 ms\n0.4 % err"
    assert failing["failing"]
    assert not told["service:order service:user sync grpc"]["failing"]


def test_a_group_that_is_behind_says_by_how_much() -> None:
    told = by_id(drawn(shop_map())["nodes"])
    assert told["group:email"]["note"] == "272 behind"
    assert told["group:email"]["status"] == "STOP"
    assert told["service:email"]["note"] == ""


def test_other_figures_move_no_node() -> None:
    busier = [one.model_copy(update={"calls": one.calls * 9, "p95_ms": 1.0}) for one in shop_edges()]
    places = [(node["id"], node["x"], node["y"]) for node in drawn(shop_map())["nodes"]]
    assert places == [(node["id"], node["x"], node["y"]) for node in drawn(graph_of(busier))["nodes"]]


def test_the_filter_keeps_what_matches_and_its_neighbours() -> None:
    shown = narrowed(shop_map(), "PRICING")
    assert {node.id for node in shown.nodes} == {"service:pricing", "service:inventory"}


def test_without_queues_services_are_joined_directly() -> None:
    shown = narrowed(shop_map(), "", queues=False)
    assert not [node for node in shown.nodes if node.kind in ("topic", "group")]
    joined = {(one.source, one.target): one for one in shown.edges if one.kind == "async"}
    assert joined["service:order", "service:payment"].calls == 882
    assert ("service:payment", "service:email") in joined


def test_of_too_many_nodes_the_busiest_stay() -> None:
    edges = [edge(f"service:s{at}", f"service:s{at + 1}", "http", calls=at) for at in range(1, 101)]
    shown = narrowed(graph_of(edges), "", limit=10)
    assert len(shown.nodes) == 10
    assert shown.hidden == 91
    assert {node.id for node in shown.nodes} == {f"service:s{at}" for at in range(91, 101)}


def test_a_long_name_is_shortened_in_the_middle() -> None:
    (first, _) = drawn(graph_of([edge("service:" + "a" * 30 + "-backend", "topic:t", "kafka", 1)]))["nodes"]
    assert first["name"] == "a" * 17 + "…aa-backend"
