from typing import Any, cast

from laban_dashboard.presentation.map.changes import Change
from laban_dashboard.presentation.map.elements import map_elements
from laban_dashboard.presentation.map.labels import edge_id, edge_label
from laban_dashboard.presentation.map.scope import visible_map
from laban_mapper.model import ServiceMap
from tests.dashboard.shop_answers import edge, graph_of, shop_edges, shop_lag

PAYMENT_TO_BANK = "service:payment external:bank.example:443 sync http"


def shop_map() -> ServiceMap:
    return graph_of(shop_edges())


def drawn(found: ServiceMap, **how: Any) -> dict[str, list[dict[str, Any]]]:
    elements = map_elements(visible_map(found), 900, shop_lag().groups, None, **how)
    return cast("dict[str, list[dict[str, Any]]]", elements)


def by_id(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in found}


def test_every_node_and_edge_of_the_map_is_drawn() -> None:
    found = shop_map()
    elements = drawn(found)
    assert {node["id"] for node in elements["nodes"]} == {node.id for node in found.nodes}
    assert {one["id"] for one in elements["edges"]} == {edge_id(one) for one in found.edges}


def test_an_edge_label_has_its_rate_its_p95_and_its_error_rate() -> None:
    elements = by_id(drawn(shop_map())["edges"])
    flawed = elements["service:order service:inventory sync grpc"]
    assert (flawed["label"], flawed["health"]) == ("1.0/s\n48 ms\n0.4 % err", "flawed")
    assert elements["service:order service:user sync grpc"]["health"] == "good"


def test_an_edge_is_wider_the_more_calls_it_has() -> None:
    widths = {
        one["target"]: one["width"]
        for one in drawn(
            graph_of([edge("service:a", f"service:{calls}", "http", calls) for calls in (1, 100, 10_000)])
        )["edges"]
    }
    assert widths["service:1"] < widths["service:100"] < widths["service:10000"]


def test_a_group_that_stopped_and_what_fails_say_so() -> None:
    failing = edge("service:order", "service:bank", "http", 100, errors=9)
    elements = by_id(drawn(graph_of([*shop_edges(), failing]))["nodes"])
    email, analytics, bank = (
        elements[f"{name}"] for name in ("group:email", "group:analytics", "service:bank")
    )
    assert (email["health"], email["note"]) == ("stopped", "STOPPED\n272 behind")
    assert (analytics["health"], analytics["note"]) == ("behind", "slow\n12 behind")
    assert (bank["health"], bank["note"]) == ("failing", "9.0 % failing")
    assert (elements["service:email"]["health"], elements["service:email"]["note"]) == ("good", "")


def test_changed_figures_do_not_move_a_node() -> None:
    busier = [one.model_copy(update={"calls": one.calls * 9, "p95_ms": 1.0}) for one in shop_edges()]
    positions = [(node["id"], node["x"], node["y"]) for node in drawn(shop_map())["nodes"]]
    assert positions == [(node["id"], node["x"], node["y"]) for node in drawn(graph_of(busier))["nodes"]]


def test_changes_are_named_on_what_changed() -> None:
    changed = [
        Change(PAYMENT_TO_BANK, "slower", "40 ms → 120 ms", "…"),
        Change("service:user", "new", "", "…"),
    ]
    elements = drawn(shop_map(), changed=changed)
    bank, user = by_id(elements["edges"])[PAYMENT_TO_BANK], by_id(elements["nodes"])["service:user"]
    assert bank["label"] == "slower\n59/min\n120 ms\n3.5 % err"
    assert (user["note"], user["change"]) == ("new", "new")


def test_a_node_all_of_whose_edges_are_gone_is_gone() -> None:
    old = edge("service:a", "service:old", "http", 0)
    found = graph_of([edge("service:a", "service:b", "http", 9), old])
    elements = drawn(found, changed=[Change(edge_id(old), "gone", "", "…")])
    assert {one["id"]: one["change"] for one in elements["nodes"]} == {
        "service:a": "",
        "service:b": "",
        "service:old": "gone",
    }
    assert by_id(elements["edges"])[edge_id(old)]["label"] == "gone"


def test_a_long_name_is_shortened_in_the_middle() -> None:
    (first, _) = drawn(graph_of([edge("service:" + "a" * 30 + "-backend", "topic:t", "kafka", 1)]))["nodes"]
    assert first["name"] == "a" * 18 + "…a-backend"


def test_a_long_name_has_two_lines_and_a_label_a_shorter_form() -> None:
    found = graph_of([edge("service:web", "service:recommendation-engine", "http", 90, errors=9)])
    nodes, [only] = by_id(drawn(found)["nodes"]), drawn(found)["edges"]
    assert nodes["service:recommendation-engine"]["title"] == "recommendation-\nengine"
    assert nodes["service:web"]["title"] == "web"
    assert only["label"].splitlines()[-1] == only["short"] == "10 % err"


def test_names_cannot_reverse_what_is_around_them() -> None:
    nodes = drawn(graph_of([edge("service:a\u202eb\x1b", "service:c", "http", 1)]))["nodes"]
    assert "a\\u202eb\\x1b" in {node["name"] for node in nodes}


def test_an_edge_between_nodes_of_the_same_name_is_labelled_with_their_kinds() -> None:
    found = graph_of(
        [edge("group:email", "service:email", "kafka", 1), edge("topic:a", "group:b", "kafka", 1)]
    )
    labels = [edge_label(one, found.nodes) for one in found.edges]
    assert labels == ["email (consumer group) → email (service)", "a → b"]
