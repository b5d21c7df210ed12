from laban_collector.store.base import EdgeRow
from laban_mapper.graph import draw_map
from laban_mapper.model import ServiceMap
from laban_mapper.topology import as_digraph, callers_first

from .test_graph import SINCE, UNTIL


def drawn(*pairs: tuple[str, str]) -> ServiceMap:
    edges = [
        EdgeRow(f"service:{a}", f"service:{b}", "sync", "http", 1, 0, None, None, None, 1, 0, 0)
        for a, b in pairs
    ]
    return draw_map(edges, [], SINCE, UNTIL)


def test_callers_stand_before_those_they_call() -> None:
    order = callers_first(drawn(("web", "order"), ("order", "audit"), ("audit", "disk")))
    assert order == ["service:web", "service:order", "service:audit", "service:disk"]


def test_a_circle_is_entered_where_it_is_called_from() -> None:
    order = callers_first(drawn(("web", "order"), ("order", "billing"), ("billing", "order")))
    assert order == ["service:web", "service:order", "service:billing"]


def test_a_graph_that_is_one_circle_has_an_order_too() -> None:
    assert callers_first(drawn(("b", "a"), ("a", "b"))) == ["service:a", "service:b"]


def test_every_node_is_listed_once() -> None:
    service_map = drawn(("a", "c"), ("b", "c"), ("x", "y"), ("y", "x"))
    assert sorted(callers_first(service_map)) == sorted(as_digraph(service_map).nodes)


def test_an_empty_map_has_no_order() -> None:
    assert callers_first(drawn()) == []
