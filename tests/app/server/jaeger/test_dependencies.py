from datetime import UTC, datetime

from laban_app.server.jaeger.dependencies import dependencies
from laban_collector.store.rows import EdgeRow
from laban_mapper.service_map import build_service_map

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def found(*edges: tuple[str, str, int], namespaces: tuple[str, ...] = ()) -> dict[tuple[str, str], int]:
    rows = []
    for source, target, calls in edges:
        kind = "async" if {"topic", "group"} & {source.split(":")[0], target.split(":")[0]} else "sync"
        rows.append(EdgeRow(source, target, kind, "x", calls, 0, None, None, None, calls, 0, 0))
    built = build_service_map(rows, [], NOW, NOW, namespaces=namespaces)
    return {(one.parent, one.child): one.calls for one in dependencies(built)}


def test_calls_of_all_protocols_add_up_and_only_services_count() -> None:
    assert found(
        ("service:a", "service:b", 3),
        ("service:a", "database:postgresql/shop", 9),
        ("service:a", "external:bank", 9),
        ("entry:web", "service:a", 9),
    ) == {("a", "b"): 3}


def test_a_topic_becomes_an_edge_from_each_producer_to_each_consumer() -> None:
    assert found(
        ("service:a", "topic:t", 10),
        ("topic:t", "group:g", 8),
        ("group:g", "service:b", 8),
        ("topic:t", "group:h", 10),
        ("group:h", "service:c", 10),
        ("topic:t", "service:d", 2),
    ) == {("a", "b"): 8, ("a", "c"): 10, ("a", "d"): 2}


def test_consumed_messages_are_shared_by_what_each_producer_published() -> None:
    assert found(
        ("service:a", "topic:t", 30),
        ("service:b", "topic:t", 10),
        ("topic:t", "group:g", 20),
        ("group:g", "service:c", 20),
    ) == {("a", "c"): 15, ("b", "c"): 5}


def test_a_group_of_two_services_and_two_topics_is_shared_too() -> None:
    assert found(
        ("service:a", "topic:t", 10),
        ("service:b", "topic:u", 30),
        ("topic:t", "group:g", 10),
        ("topic:u", "group:g", 30),
        ("group:g", "service:c", 20),
        ("group:g", "service:d", 20),
    ) == {("a", "c"): 5, ("a", "d"): 5, ("b", "c"): 15, ("b", "d"): 15}


def test_without_a_producer_or_a_message_there_is_no_edge() -> None:
    assert found(("topic:t", "group:g", 8), ("group:g", "service:b", 8)) == {}
    assert found(("service:a", "topic:t", 8), ("topic:t", "group:g", 0)) == {}


def test_services_have_their_names_without_namespaces() -> None:
    edges = (("service:prod/a", "service:prod/b", 1), ("service:test/a", "service:test/b", 2))
    assert found(*edges, namespaces=("prod", "test")) == {("a", "b"): 3}
