from dataclasses import replace

from laban_mapper.story.causality import Causality

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


def test_a_child_of_a_shared_span_belongs_to_the_half_of_its_service() -> None:
    entry = http_server("web", "GET /", 0, 50)
    client = http_client("web", "GET", 5, 40, entry)
    server = http_server("api", "GET /things", 10, 30, entry, span_id=client.span_id)
    in_client = span("web", "dns", 1, 6, 1, client)
    foreign = http_server("user", "GET /users", 12, 5, server)
    causality = Causality([foreign, in_client, server, client, entry])
    assert causality.cause(in_client) is client
    assert causality.cause(foreign) is server
    assert [causality.depth(one) for one in (entry, client, server, in_client, foreign)] == [0, 1, 2, 2, 3]


def test_shared_spans_one_below_the_other_do_not_multiply() -> None:
    spans = [http_server("s0", "GET /0", 0, 100)]
    for level in range(1, 7):
        client = http_client(f"s{level - 1}", "GET", level, 90 - level, spans[-1])
        server = http_server(
            f"s{level}", f"GET /{level}", level, 90 - level, spans[-1], span_id=client.span_id
        )
        spans += [client, server]
    causality = Causality(spans)
    assert [causality.depth(one) for one in spans] == list(range(13))


def test_the_same_id_in_two_services_is_two_spans_side_by_side() -> None:
    entry = http_server("web", "GET /", 0, 50)
    one = span("a", "work", 1, 5, 10, entry)
    other = span("b", "work", 1, 6, 10, entry, span_id=one.span_id)
    below = [span("a", "inner", 1, 7, 1, one), span("b", "inner", 1, 8, 1, other)]
    causality = Causality([*below, other, one, entry])
    assert [causality.cause(child) for child in below] == [one, other]
    assert causality.effects(entry) == [one, other]


def test_a_ring_is_cut_at_its_earliest_span() -> None:
    first = http_server("order", "POST /orders", 0, 100)
    call = http_client("order", "GET", 10, 50, first)
    answer = http_server("pricing", "GET /price", 12, 40, call)
    below = span("pricing", "compute", 1, 13, 5, answer)
    first = replace(first, parent_id=answer.span_id)
    causality = Causality([below, answer, call, first])
    assert causality.roots == [first]
    assert causality.rings == [[first, answer, call]]
    assert [causality.depth(one) for one in (first, call, answer, below)] == [0, 1, 2, 3]
    assert not causality.is_orphan(first)


def test_a_span_that_is_its_own_parent_is_a_root() -> None:
    own = http_server("order", "POST /orders", 0, 100)
    own = replace(own, parent_id=own.span_id)
    causality = Causality([own])
    assert (causality.roots, causality.rings) == ([own], [[own]])


def test_a_deep_chain_takes_no_quadratic_time() -> None:
    spans = [span("a", "0", 1, 0, 5000)]
    for depth in range(1, 20_000):
        spans.append(span("a", str(depth), 1, depth / 100, 1, spans[-1]))
    assert Causality(spans[::-1]).depth(spans[-1]) == 19_999


def test_the_64_bit_form_of_a_trace_id_is_the_same_trace() -> None:
    entry = http_server("web", "GET /", 0, 50)
    call = http_client("web", "GET", 5, 40, entry)
    short = "0" * 16 + entry.trace_id[16:]
    server = replace(http_server("api", "GET /things", 10, 30, call), trace_id=short)
    assert Causality([entry, call, server]).cause(server) is call


def test_the_64_bit_form_of_two_trace_ids_is_neither() -> None:
    entry = http_server("web", "GET /", 0, 50)
    call = http_client("web", "GET", 5, 40, entry)
    other = replace(entry, trace_id="f" * 16 + entry.trace_id[16:])
    server = replace(http_server("api", "GET /things", 10, 30, call), trace_id="0" * 16 + entry.trace_id[16:])
    assert Causality([entry, other, call, server]).cause(server) is None


def test_a_span_without_a_parent_is_caused_by_what_it_links_to() -> None:
    entry = http_server("web", "GET /", 0, 50)
    later = span("web", "report", 1, 100, 5, trace_id="f" * 32, links=((entry.trace_id, entry.span_id),))
    assert Causality([later, entry]).cause(later) is entry
