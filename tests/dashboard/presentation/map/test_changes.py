from datetime import UTC, datetime, timedelta
from typing import Any

from laban_dashboard.presentation.map.changes import changes, with_gone
from laban_mapper.model import ServiceMap
from tests.dashboard.shop_answers import edge, graph_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def later(*edges: Any) -> ServiceMap:
    return graph_of(list(edges), NOW, NOW + HOUR)


def earlier(*edges: Any) -> ServiceMap:
    return graph_of(list(edges), NOW - HOUR, NOW)


def test_new_gone_and_slower_edges_are_told() -> None:
    common = edge("service:a", "service:b", "http", 100, p95=40.0)
    before = earlier(
        common, edge("service:b", "service:c", "http", 50), edge("service:a", "service:c", "http", 2)
    )
    after = later(
        edge("service:a", "service:b", "http", 100, p95=90.0),
        edge("service:c", "service:b", "http", 3),
        edge("service:a", "service:d", "http", 3),
    )
    assert [one.sentence for one in changes(before, after)] == [
        "new: d (service)",
        "new: c → b",
        "no calls any more: b → c",
        "slower: a → b, p95 40 ms → 90 ms",
    ]


def test_an_edge_with_few_calls_may_be_absent_by_chance() -> None:
    common = edge("service:a", "service:b", "http", 100, p95=40.0)
    assert changes(earlier(common, edge("service:b", "service:c", "http", 3)), later(common)) == []


def test_what_is_gone_is_drawn_without_calls() -> None:
    before = earlier(edge("service:a", "service:b", "http", 50), edge("service:a", "service:c", "http", 50))
    after = later(edge("service:a", "service:c", "http", 50))
    found = with_gone(after, before, changes(before, after))
    assert {node.id for node in found.nodes} == {"service:a", "service:b", "service:c"}
    assert {(one.target, one.calls) for one in found.edges} == {("service:b", 0), ("service:c", 50)}
