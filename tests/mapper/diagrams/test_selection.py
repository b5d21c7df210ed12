import random
from datetime import UTC, datetime, timedelta

import pytest

from laban_collector.store.rows import EdgeRow
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.registry import FORMATS
from laban_mapper.diagrams.selection import busiest, is_large
from laban_mapper.model import ServiceMap
from laban_mapper.service_map import build_service_map

SINCE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def row(source: str, target: str, calls: int, protocol: str = "http") -> EdgeRow:
    kind = "async" if protocol == "kafka" else "sync"
    return EdgeRow(source, target, kind, protocol, calls, calls // 10, 1.0, 2.0, 3.0, calls, 0, 0)


def built(rows: list[EdgeRow]) -> ServiceMap:
    return build_service_map(rows, [], SINCE, SINCE + timedelta(hours=1))


def large() -> ServiceMap:
    """560 nodes and 3,300 edges, with the traffic of few services, as in real systems."""
    generator = random.Random(7)  # noqa: S311 - nothing secret
    kinds = ["service:s"] * 7 + ["topic:t", "database:postgresql/d", "external:h"]
    nodes = [f"{kinds[number % 10]}{number}" for number in range(560)]
    callers = [node for node in nodes if node.startswith("service:")]
    pairs = {(generator.choice(callers), node) for node in nodes}
    while len(pairs) < 3300:
        pairs.add((generator.choice(callers), generator.choice(nodes)))
    return built([row(*pair, int(generator.paretovariate(1.1) * 10)) for pair in sorted(pairs)])


@pytest.fixture(scope="module")
def picture() -> ServiceMap:
    return large()


def test_a_small_map_is_drawn_whole() -> None:
    found = built([row("service:a", "service:b", 5)])
    assert not is_large(found)
    assert busiest(found) == (found, None)


def test_the_busiest_nodes_stay_and_the_rest_is_one_node_for_each_kind() -> None:
    found = built(
        [
            row("entry:clients", "service:a", 100),
            row("service:a", "service:b", 90),
            row("service:a", "service:c", 8),
            row("service:a", "service:d", 4, "grpc"),
            row("service:c", "service:d", 3),
            row("service:a", "topic:t", 2, "kafka"),
            row("topic:t", "group:g", 1, "kafka"),
        ]
    )
    shown, note = busiest(found, 2)
    assert [(edge.source, edge.target, edge.protocol, edge.calls, edge.p95_ms) for edge in shown.edges] == [
        ("entry:clients", "service:a", "http", 100, 2.0),
        ("service:a", "other:services", "several protocols", 12, None),
        ("service:a", "other:topics", "kafka", 2, 2.0),
        ("service:a", "service:b", "http", 90, 2.0),
    ]
    assert {node.name for node in shown.nodes if node.kind == "other"} == {
        "2 other services",
        "1 other topic",
    }
    assert note == (
        "The busiest 3 of 7 nodes, and 2 of 7 edges with 91 % of all calls. Grey nodes stand for the rest."
    )


def test_a_group_stays_with_its_topic() -> None:
    found = built(
        [row("topic:t", "group:g", 50, "kafka"), row("group:g", "service:b", 50, "kafka")]
        + [row("service:x", f"service:s{number}", 1) for number in range(9)]
    )
    assert {"topic:t", "group:g", "service:b"} <= {node.id for node in busiest(found, 3).shown.nodes}


def test_a_large_map_becomes_a_picture_with_a_bounded_number_of_nodes_and_edges(picture: ServiceMap) -> None:
    assert (len(picture.nodes), len(picture.edges)) == (560, 3300)
    assert is_large(picture)
    shown, note = busiest(picture)
    assert note is not None
    assert "of 560 nodes" in note
    assert "of 3,300 edges" in note
    assert len(shown.nodes) <= 50
    assert len(shown.edges) <= 180
    assert {end for edge in shown.edges for end in (edge.source, edge.target)} == {
        node.id for node in shown.nodes
    }


@pytest.mark.parametrize("form", ["svg", "dot", "mermaid", "plantuml", "structurizr", "json"])
def test_the_picture_says_what_it_leaves_out(picture: ServiceMap, form: str) -> None:
    shown, note = busiest(picture)
    text = FORMATS[form].write(Graph(shown, note=note)).decode().replace("&#160;", " ")
    assert "The busiest 40 of 560 nodes" in text
    assert "other services" in text


@pytest.mark.parametrize(
    ("form", "arrow"),
    [("dot", " -> label"), ("mermaid", "-->|"), ("plantuml", "Rel("), ("structurizr", " -> ")],
)
def test_text_formats_hold_the_whole_map(picture: ServiceMap, form: str, arrow: str) -> None:
    assert FORMATS[form].write(Graph(picture)).decode().count(arrow) == 3300
