"""Which part of a map is drawn: around a node, of an order, by namespace."""

from datetime import UTC, datetime, timedelta

from laban_collector.store.rows import EdgeRow
from laban_mapper.diagrams.choosing import Wanted, choose
from laban_mapper.diagrams.graph import View
from laban_mapper.diagrams.scope import around, of_order, touched
from laban_mapper.diagrams.sequence import interactions
from laban_mapper.model import ServiceMap
from laban_mapper.service_map import build_service_map
from laban_mapper.story.builder import build_story
from laban_mapper.story.messages import Consumption

from ..shop_spans import hybrid_order
from .systems import system

SINCE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def row(source: str, target: str, calls: int = 1) -> EdgeRow:
    kind = "async" if "topic:" in source + target or "group:" in source + target else "sync"
    return EdgeRow(
        source, target, kind, "kafka" if kind == "async" else "http", calls, 0, 1, 2, 3, calls, 0, 0
    )


def built(*pairs: tuple[str, str]) -> ServiceMap:
    rows = [row(*pair) for pair in pairs]
    return build_service_map(rows, [], SINCE, SINCE + timedelta(hours=1), namespaces=("shop", "billing"))


CHAIN = built(
    ("service:z", "service:a"),
    ("service:z", "service:y"),
    ("service:a", "topic:t"),
    ("service:other", "topic:t"),
    ("topic:t", "group:g"),
    ("group:g", "service:b"),
    ("topic:u", "group:g"),
    ("service:b", "service:c"),
)


def names(found: ServiceMap) -> set[str]:
    return {node.id.partition(":")[2] for node in found.nodes}


def test_the_neighbors_of_a_node_reach_through_topics_and_groups_in_one_direction() -> None:
    assert names(around(CHAIN, "a")) == {"z", "a", "t", "g", "b"}
    assert names(around(CHAIN, "service:b")) == {"b", "c", "g", "t", "u", "a", "other"}
    assert names(around(CHAIN, "t")) == {"a", "other", "t", "g", "b"}
    assert not around(CHAIN, "unknown").nodes


def test_a_greater_depth_reaches_further() -> None:
    assert names(around(CHAIN, "a", 2)) == {"z", "a", "t", "g", "b", "c"}
    assert names(around(CHAIN, "z", 3)) == {"z", "y", "a", "t", "g", "b", "c"}


def test_a_circle_ends() -> None:
    circle = built(("service:a", "service:b"), ("service:b", "service:a"), ("service:a", "service:a"))
    assert len(around(circle, "a", 20).edges) == 3


def test_a_topic_and_a_service_stand_for_the_groups_between_them() -> None:
    found = touched(CHAIN, {("topic:t", "service:b")})
    assert [(edge.source, edge.target) for edge in found.edges] == [
        ("group:g", "service:b"),
        ("topic:t", "group:g"),
    ]


def test_an_order_touches_what_its_story_tells() -> None:
    story = build_story("order", "123", hybrid_order(), Consumption())
    told = interactions(story)
    assert told.left_out == 0
    assert [(one.source, one.target) for one in told.interactions][:3] == [
        ("entry:clients", "service:order"),
        ("service:order", "service:pricing"),
        ("service:order", "topic:orders"),
    ]
    found = built(
        ("entry:web", "service:order"),
        ("service:order", "service:pricing"),
        ("service:order", "topic:orders"),
        ("topic:orders", "group:payment"),
        ("group:payment", "service:payment"),
        ("service:payment", "service:bank"),
    )
    assert names(of_order(found, story)) == {"web", "order", "pricing", "orders", "payment"}


def test_a_large_system_is_drawn_as_its_namespaces() -> None:
    graph = choose(system(200, 3, ("shop", "billing", "search")), Wanted(), "1", picture=True)
    assert graph.note is not None
    assert graph.note.startswith("Each grey node is a namespace: 3 namespaces with 120 services.")
    assert {"shop: 40 services", "billing: 40 services"} <= {node.name for node in graph.shown.nodes}
    assert len(graph.shown.edges) <= 150
    whole = choose(system(200, 3, ("shop", "billing")), Wanted(everything=True), "1", picture=True)
    assert whole.note is None


def test_a_crowded_picture_tells_only_rates_unless_asked_for_more() -> None:
    found = system(60)
    assert choose(found, Wanted(fitting=True), "1", picture=True).view.labels == "rate"
    assert choose(found, Wanted(), "1", picture=True).view.labels == "all"
    assert choose(found, Wanted(fitting=True), "1", picture=False).view.labels == "all"
    kept = choose(found, Wanted(view=View(topics="collapse"), fitting=True), "1", picture=True).view
    assert (kept.labels, kept.topics) == ("rate", "collapse")
