from dataclasses import replace
from datetime import UTC, datetime

import pytest

from laban_collector.store.rows import EdgeRow
from laban_mapper import service_map
from laban_mapper.lag import lag_mark
from laban_mapper.model import ServiceMap
from laban_mapper.service_map import build_service_map

from .shop_spans import MS, T0, lag

SINCE = datetime(2026, 11, 23, 9, tzinfo=UTC)
UNTIL = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOPS = [
    EdgeRow("service:order", "topic:orders", "async", "kafka", 30, 0, 1.0, 2.0, 3.0, 0, 0, 30),
    EdgeRow("service:order", "service:pricing", "sync", "grpc", 30, 2, 10.0, 20.0, 30.0, 30, 0, 0),
    EdgeRow("topic:orders", "group:email", "async", "kafka", 30, 0, 5.0, 9.0, 9.5, 28, 2, 0),
]


def test_edge_rows_become_nodes_and_edges_in_a_fixed_order() -> None:
    built = build_service_map(HOPS, [], SINCE, UNTIL)
    assert [(node.id, node.kind, node.name) for node in built.nodes] == [
        ("group:email", "group", "email"),
        ("service:order", "service", "order"),
        ("service:pricing", "service", "pricing"),
        ("topic:orders", "topic", "orders"),
    ]
    assert [(edge.source, edge.target, edge.kind) for edge in built.edges] == [
        ("service:order", "service:pricing", "sync"),
        ("service:order", "topic:orders", "async"),
        ("topic:orders", "group:email", "async"),
    ]
    assert build_service_map(HOPS[::-1], [], SINCE, UNTIL) == built


def test_an_edge_carries_its_evidence() -> None:
    edge = build_service_map(HOPS, [], SINCE, UNTIL).edges[2]
    assert (edge.evidence.parent, edge.evidence.link, edge.evidence.attribute) == (28, 2, 0)


def test_a_group_known_only_by_its_offsets_has_an_edge_without_calls() -> None:
    built = build_service_map(
        HOPS, [lag("audit", "orders", 0, 30), lag("email", "orders", 30, 30)], SINCE, UNTIL
    )
    (silent,) = [edge for edge in built.edges if edge.target == "group:audit"]
    assert (silent.source, silent.calls, silent.p95_ms) == ("topic:orders", 0, None)
    assert sum(edge.target == "group:email" for edge in built.edges) == 1


def test_json_names_the_ends_from_and_to_and_can_be_read_back() -> None:
    built = build_service_map(HOPS, [], SINCE, UNTIL)
    text = built.model_dump_json()
    assert '"from":"service:order","to":"service:pricing"' in text
    assert ServiceMap.model_validate_json(text) == built


def test_a_map_with_too_many_edges_keeps_the_busiest_and_adds_up_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service_map, "MAX_EDGES", 2)
    more = [replace(HOPS[1], source=f"service:s{number}", calls=number) for number in (1, 2)]
    built = build_service_map([*HOPS, *more], [lag("audit", "orders", 0, 30)], SINCE, UNTIL)
    assert [(edge.source, edge.target, edge.calls, edge.errors, edge.p95_ms) for edge in built.edges] == [
        ("other:services", "service:pricing", 3, 4, None),
        ("service:order", "service:pricing", 30, 2, 20.0),
        ("service:order", "topic:orders", 30, 0, 2.0),
        ("topic:orders", "other:groups", 30, 0, None),
    ]
    assert built.truncated
    assert [(node.kind, node.name) for node in built.nodes if node.kind == "other"] == [
        ("other", "other groups"),
        ("other", "other services"),
    ]
    assert not build_service_map(HOPS[:1], [], SINCE, UNTIL).truncated


def test_a_group_node_has_its_worst_status_and_all_its_messages() -> None:
    polled = [
        replace(lag("email", "orders", 10, 30), status="WARN"),
        replace(lag("email", "orders", 5, 30), partition=1, status="STOP"),
        replace(lag("email", "orders", 28, 30), cluster="staging", status="OK"),
        lag("audit", "orders", 30, 30),
    ]
    nodes = {node.id: node for node in build_service_map(HOPS, polled, SINCE, UNTIL).nodes}
    email, audit, order = nodes["group:email"], nodes["group:audit"], nodes["service:order"]
    assert (email.lag_status, email.lag_messages) == ("STOP", 47)
    assert (audit.lag_status, audit.lag_messages) == ("OK", 0)
    assert (order.lag_status, order.lag_messages) == (None, None)
    assert [lag_mark(node) for node in (email, audit, order)] == ["STOP, 47 behind", None, None]


def test_a_group_that_was_polled_long_ago_has_no_status() -> None:
    gone = replace(lag("email", "orders", 5, 30), time=T0 - 61_000 * MS)
    nodes = build_service_map(HOPS, [gone, lag("audit", "orders", 30, 30)], SINCE, UNTIL).nodes
    assert [node.lag_status for node in nodes if node.id == "group:email"] == [None]


def call(source: str, target: str) -> EdgeRow:
    return EdgeRow(source, target, "sync", "http", 5, 0, 1.0, 1.0, 1.0, 5, 0, 0)


def test_callers_not_seen_are_counted_and_on_the_map_only_if_asked_for() -> None:
    rows = [*HOPS, call("unseen:callers", "service:back")]
    built = build_service_map(rows, [], SINCE, UNTIL)
    assert built.callers_not_seen == 5
    assert "unseen:callers" not in {end for edge in built.edges for end in (edge.source, edge.target)}
    assert "service:back" in {node.id for node in built.nodes}
    assert "unseen:callers" not in {node.id for node in built.nodes}
    asked = build_service_map(rows, [], SINCE, UNTIL, unseen=True)
    [node] = [node for node in asked.nodes if node.kind == "unseen"]
    assert (node.id, node.name) == ("unseen:callers", "caller not seen")
    assert [edge.target for edge in asked.edges if edge.source == node.id] == ["service:back"]


def test_callees_without_a_name_are_one_node_for_each_caller() -> None:
    rows = [call(f"service:{caller}", f"external:unknown/{caller}") for caller in ("web", "order")]
    built = build_service_map(rows, [], SINCE, UNTIL)
    assert [node.name for node in built.nodes if node.kind == "external"] == ["unknown", "unknown"]


def test_the_name_of_a_service_is_short_unless_two_namespaces_have_it() -> None:
    rows = [
        call("service:shop/web", "service:shop/api"),
        call("service:shop/api", "service:billing/api"),
        call("service:billing/api", "service:team/tool"),
    ]
    built = build_service_map(rows, [], SINCE, UNTIL, namespaces=["billing", "shop"])
    assert {node.id: (node.name, node.namespace) for node in built.nodes} == {
        "service:shop/web": ("web", "shop"),
        "service:shop/api": ("shop/api", "shop"),
        "service:billing/api": ("billing/api", "billing"),
        "service:team/tool": ("team/tool", None),
    }
