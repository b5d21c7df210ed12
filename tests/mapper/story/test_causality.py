from dataclasses import replace

from laban_mapper.story.causality import Causality
from laban_mapper.story.critical_path import critical_path

from ..shop_spans import MS, http_client, http_server, hybrid_order, process, publish, span


def test_a_parent_is_the_cause() -> None:
    spans = hybrid_order()
    causality = Causality(spans)
    assert [root.name for root in causality.roots] == ["POST /orders"]
    assert causality.cause(spans[2]) == spans[1]
    assert causality.depth(spans[2]) == 2


def test_a_consumer_in_its_own_trace_is_joined_by_its_link() -> None:
    created = http_server("order", "POST /orders", 0, 80)
    published = publish("order", "orders", 50, created)
    consumer = replace(
        process("email", published, 90, 5),
        trace_id="f" * 32,
        parent_id=None,
        offset=None,
        links=((published.trace_id, published.span_id),),
    )
    assert Causality([consumer, published, created]).cause(consumer) == published


def test_a_consumer_without_a_parent_or_link_is_joined_by_its_offset() -> None:
    created = http_server("order", "POST /orders", 0, 80)
    published = publish("order", "orders", 50, created, offset=11)
    consumer = replace(process("email", published, 90, 5), trace_id="f" * 32, parent_id=None)
    assert Causality([created, published, consumer]).cause(consumer) == published


def test_an_effect_comes_after_its_cause_even_if_clocks_differ() -> None:
    created = http_server("order", "POST /orders", 0, 80)
    published = publish("order", "orders", 50, created)
    early = process("email", published, -500, 5)  # the clock of this machine is half a second behind
    assert [s.name for s in Causality([early, published, created]).spans] == [
        "POST /orders",
        "send orders",
        "process orders",
    ]


def test_spans_that_are_each_others_parents_do_not_cause_an_endless_loop() -> None:
    one = span("a", "one", 1, 0, 1)
    two = span("b", "two", 1, 1, 1, one)
    causality = Causality([replace(one, parent_id=two.span_id), two])
    assert len(causality.roots) == 1
    assert len(causality.spans) == 2


def test_the_halves_of_a_shared_span_are_caller_and_callee() -> None:
    entry = http_server("web", "GET /", 0, 50)
    client = http_client("web", "GET", 5, 40, entry)
    server = replace(http_server("api", "GET /things", 10, 30, entry), span_id=client.span_id)
    below = span("api", "query", 1, 12, 3, server)
    causality = Causality([entry, client, server, below])
    assert causality.cause(server) == client
    assert causality.cause(below) == server


def test_a_missing_parent_makes_an_orphan() -> None:
    entry = http_server("web", "GET /", 0, 50)
    client = http_client("web", "GET", 5, 40, entry)
    server = http_server("api", "GET /things", 10, 30, client)
    causality = Causality([entry, server])
    assert causality.is_orphan(server)
    assert not causality.is_orphan(entry)


def test_a_deep_trace_is_traversed_without_recursion() -> None:
    spans = [span("a", "0", 1, 0, 5000)]
    for depth in range(1, 3000):
        spans.append(span("a", str(depth), 1, depth / 10, 1, spans[-1]))
    causality = Causality(spans)
    assert len(list(causality.below(spans[0]))) == 2999
    assert causality.spans[-1].start == spans[0].start + int(299.9 * MS)


def test_only_the_slower_of_two_parallel_calls_is_critical() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    fast = http_client("order", "GET", 10, 20, entry)
    slow = http_client("order", "GET", 10, 80, entry)
    assert critical_path(Causality([entry, fast, slow])) == {id(entry), id(slow)}


def test_sequential_calls_are_all_critical() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    first = http_client("order", "GET", 10, 20, entry)
    second = http_client("order", "GET", 40, 50, entry)
    assert critical_path(Causality([entry, first, second])) == {id(entry), id(first), id(second)}


def test_the_critical_path_leads_through_the_queue_to_the_last_consumer() -> None:
    spans = hybrid_order()
    path = critical_path(Causality(spans))
    names = [s.name for s in spans if id(s) in path]
    assert "process payments" in names
    assert [s.service for s in spans if s.kind == 5 and id(s) in path] == ["payment", "order"]


def test_without_spans_the_critical_path_is_empty() -> None:
    assert critical_path(Causality([])) == set()
