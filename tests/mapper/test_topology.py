from laban_collector.store.rows import EdgeRow
from laban_mapper.model import ServiceMap
from laban_mapper.service_map import build_service_map
from laban_mapper.topology import as_digraph, callers_first

from .test_service_map import SINCE, UNTIL


def map_of(*pairs: tuple[str, str]) -> ServiceMap:
    edges = [
        EdgeRow(f"service:{a}", f"service:{b}", "sync", "http", 1, 0, None, None, None, 1, 0, 0)
        for a, b in pairs
    ]
    return build_service_map(edges, [], SINCE, UNTIL)


def test_callers_come_before_their_callees() -> None:
    order = callers_first(map_of(("web", "order"), ("order", "audit"), ("audit", "disk")))
    assert order == ["service:web", "service:order", "service:audit", "service:disk"]


def test_a_cycle_starts_at_the_service_that_is_called_from_outside() -> None:
    order = callers_first(map_of(("web", "order"), ("order", "billing"), ("billing", "order")))
    assert order == ["service:web", "service:order", "service:billing"]


def test_a_map_that_is_one_cycle_has_an_order() -> None:
    assert callers_first(map_of(("b", "a"), ("a", "b"))) == ["service:a", "service:b"]


def test_every_node_is_listed_once() -> None:
    service_map = map_of(("a", "c"), ("b", "c"), ("x", "y"), ("y", "x"))
    assert sorted(callers_first(service_map)) == sorted(as_digraph(service_map).nodes)


def test_an_empty_map_has_no_order() -> None:
    assert callers_first(map_of()) == []
