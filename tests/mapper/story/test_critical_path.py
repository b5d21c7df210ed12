from laban_mapper.story.causality import Causality, key_of
from laban_mapper.story.critical_path import critical_path

from ..shop_spans import http_client, http_server, hybrid_order


def test_of_parallel_calls_only_the_slower_one_is_critical() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    fast = http_client("order", "GET", 10, 20, entry)
    slow = http_client("order", "GET", 10, 80, entry)
    assert critical_path(Causality([entry, fast, slow])) == {key_of(entry), key_of(slow)}


def test_calls_one_after_the_other_are_all_critical() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    first = http_client("order", "GET", 10, 20, entry)
    second = http_client("order", "GET", 40, 50, entry)
    assert critical_path(Causality([entry, first, second])) == {key_of(entry), key_of(first), key_of(second)}


def test_the_path_leads_through_the_queue_to_the_last_consumer() -> None:
    spans = hybrid_order()
    path = critical_path(Causality(spans))
    on_it = [s.name for s in spans if key_of(s) in path]
    assert "process payments" in on_it
    assert [s.service for s in spans if s.kind == 5 and key_of(s) in path] == ["payment", "order"]


def test_no_spans_have_no_path() -> None:
    assert critical_path(Causality([])) == set()
