"""LocalAnswers over a real database that holds decoded spans."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from laban_app.answers.local import LocalAnswers
from laban_app.errors import NotInRange, UnknownValue
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Span
from laban_mapper.errors import InvalidTimeRange
from laban_mapper.model import Edge
from laban_mapper.times import utc_time

from ...mapper.shop_spans import (
    MS,
    T0,
    grpc_client,
    grpc_server,
    http_client,
    http_server,
    hybrid_order,
    lag,
    monolith_timeout,
    process,
    publish,
    span,
)
from ...otlp import to_otlp

Answering = Callable[..., LocalAnswers]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "spans.duckdb") as opened:
        yield opened


@pytest.fixture
def store(database: Database) -> Callable[[Sequence[Span]], LocalAnswers]:
    """A function that stores spans and returns answers from all stored spans."""

    def store_spans(spans: Sequence[Span]) -> LocalAnswers:
        DuckDBWriter(database).write(decode([to_otlp(spans)], KeyFinder()).batch)
        return LocalAnswers(DuckDBReader(database))

    return store_spans


def named(spans: Sequence[Span], order_id: str = "123") -> list[Span]:
    """Put the order ID on the first span, as a service would."""
    return [replace(spans[0], attributes={"order.id": order_id}), *spans[1:]]


def edges(answers: LocalAnswers) -> dict[tuple[str, str], Edge]:
    return {(edge.source, edge.target): edge for edge in answers.service_map().edges}


def test_the_story_is_built_from_the_stored_spans(store: Answering) -> None:
    story = store(named(hybrid_order())).story("order", "123")
    assert story.outcome == "ok"
    assert story.spans == 8
    assert [step.operation for step in story.steps][:4] == [
        "POST /orders",
        "shop.Pricing/Quote",
        "shop.Pricing/Quote",
        "publish orders",
    ]


def test_a_timeout_is_explained_from_the_database(store: Answering) -> None:
    story = store(named(monolith_timeout())).story("order", "123")
    assert story.root_cause is not None
    assert story.root_cause.service == "user"
    assert "ReadTimeout: timed out" in [step.error for step in story.steps]


def test_a_callee_without_a_span_is_known_by_its_address_from_other_orders(store: Answering) -> None:
    store(monolith_timeout())
    again = [replace(s, trace_id="b" * 32) for s in monolith_timeout()[:-1]]
    story = store(named(again, "124")).story("order", "124")
    assert story.root_cause is not None
    assert story.root_cause.service == "user"


def test_an_unknown_order_is_refused_with_the_nearest_known(store: Answering) -> None:
    answers = store(
        named(hybrid_order(), "1001") + [replace(s, trace_id="c" * 32) for s in named(hybrid_order(), "7")]
    )
    with pytest.raises(UnknownValue, match=r"No trace carries order 1002\. The nearest known: 1001, 7\."):
        answers.story("order", "1002")


def test_an_order_outside_the_time_range_is_not_called_unknown(store: Answering) -> None:
    answers = store(named(hybrid_order()))
    early = utc_time(T0 - 3600 * 1000 * MS)
    with pytest.raises(
        NotInRange, match=r"No span of order 123 lies in this time range: it was seen between"
    ):
        answers.story("order", "123", until=early)
    with pytest.raises(InvalidTimeRange, match="before it begins"):
        answers.story("order", "123", since=utc_time(T0), until=early)


def test_a_map_of_a_time_before_the_data_is_empty_and_keeps_the_requested_time(
    store: Answering, database: Database
) -> None:
    DuckDBWriter(database).write_lag([lag("email", "orders", 3, 10, 1.5)])
    early = utc_time(T0 - 3600 * 1000 * MS)
    empty = store(named(hybrid_order())).service_map(until=early)
    assert (empty.edges, empty.nodes) == ([], [])  # nobody knows what the lag was then
    assert empty.since < empty.until
    assert (empty.until - early).total_seconds() < 60


def test_a_past_time_range_has_the_lag_of_that_time(store: Answering, database: Database) -> None:
    second = 1000 * MS
    answers = store(
        [
            replace(http_server("order", "POST /orders", minute * 60_000, 5), trace_id=f"{minute:032x}")
            for minute in range(1, 11)
        ]
    )
    for minute, waiting in ((2, 20), (5, 50), (10, 100)):
        row = replace(
            lag("email", "orders", 0, waiting, 60.0), time=T0 + minute * 60 * second, status="STALL"
        )
        DuckDBWriter(database).write_lag([row])

    def behind(until: int | None) -> tuple[set[int | None], list[str]]:
        times = [None if at is None else utc_time(T0 + at * 60 * second) for at in (0, until)]
        groups = [node for node in answers.service_map(*times).nodes if node.kind == "group"]
        return {node.lag_messages for node in groups}, [
            place.sentence for place in answers.findings(*times).findings if place.code == "L022"
        ]

    assert behind(1) == (set(), [])
    messages, [stopped] = behind(6)
    assert messages == {50}
    assert "50 messages of orders wait" in stopped
    assert behind(None)[0] == behind(11)[0] == {100}


def test_a_story_follows_links_into_the_traces_of_consumers(store: Answering) -> None:
    spans = hybrid_order()
    published = spans[3]
    other = replace(
        process("audit", published, 300, 5),
        trace_id="d" * 32,
        parent_id=None,
        links=((published.trace_id, published.span_id),),
    )
    below = span("audit", "write", 1, 301, 2, other)
    story = store([*named(spans), other, below]).story("order", "123")
    assert story.traces == [published.trace_id, other.trace_id]
    assert story.spans == 10


def test_a_batch_with_two_orders_does_not_add_the_other_order_to_the_story(store: Answering) -> None:
    mine, theirs = hybrid_order(), [replace(s, trace_id="e" * 32) for s in hybrid_order()]
    links = ((mine[3].trace_id, mine[3].span_id), (theirs[3].trace_id, theirs[3].span_id))
    batch = replace(
        process("audit", mine[3], 300, 5), trace_id="d" * 32, parent_id=None, offset=None, links=links
    )
    story = store([*named(mine), *named(theirs, "124"), batch]).story("order", "123")
    assert set(story.traces) == {mine[0].trace_id, batch.trace_id}


def test_a_story_finds_an_order_by_its_kafka_key(store: Answering) -> None:
    assert store(hybrid_order()).story("order", "123").spans == 8


def test_the_map_has_an_edge_for_each_hop_of_a_message(store: Answering) -> None:
    found = edges(store(hybrid_order()))
    assert {pair: (edge.kind, edge.protocol, edge.calls) for pair, edge in found.items()} == {
        ("entry:clients", "service:order"): ("sync", "http", 1),
        ("service:order", "service:pricing"): ("sync", "grpc", 1),
        ("service:order", "topic:orders"): ("async", "kafka", 1),
        ("topic:orders", "group:payment"): ("async", "kafka", 1),
        ("group:payment", "service:payment"): ("async", "kafka", 1),
        ("topic:orders", "group:email"): ("async", "kafka", 1),
        ("group:email", "service:email"): ("async", "kafka", 1),
        ("service:payment", "topic:payments"): ("async", "kafka", 1),
        ("topic:payments", "group:order"): ("async", "kafka", 1),
        ("group:order", "service:order"): ("async", "kafka", 1),
    }
    assert found["topic:orders", "group:payment"].p50_ms == pytest.approx(30)
    assert found["group:payment", "service:payment"].p50_ms == pytest.approx(120)
    assert found["service:order", "service:pricing"].p50_ms == pytest.approx(20)
    assert found["topic:orders", "group:payment"].evidence.parent == 1


def test_errors_are_counted_on_every_failed_edge(store: Answering) -> None:
    found = edges(store(monolith_timeout()))
    assert {target: edge.errors for (_, target), edge in found.items()} == {
        "service:order": 1,
        "service:inventory": 1,
        "service:pricing": 1,
        "service:user": 1,
    }


def test_the_map_does_not_depend_on_the_order_of_arrival(store: Answering) -> None:
    spans = hybrid_order()
    for one in reversed(spans[1:]):
        store([one])
    late = store(spans[:1])
    assert {pair: edge.calls for pair, edge in edges(late).items()}["service:order", "service:pricing"] == 1
    assert len(edges(late)) == 10


def test_a_long_time_range_is_widened_to_whole_minutes(store: Answering) -> None:
    last = replace(http_server("order", "GET /", 395_000, 1), trace_id="d" * 32)
    answers = store([*hybrid_order(), last])
    minute = utc_time(T0 // (60_000 * MS) * 60_000 * MS)
    drawn = answers.service_map(utc_time(T0 + 84 * MS), utc_time(T0 + 390_000 * MS))
    calls = {(edge.source, edge.target): edge.calls for edge in drawn.edges}
    assert calls["entry:clients", "service:order"] == 2
    assert (drawn.since, drawn.until) == (max(minute, utc_time(T0)), utc_time(T0 + 395_000 * MS))
    short = answers.service_map(utc_time(T0 + 84 * MS), utc_time(T0 + 290_000 * MS))
    assert "entry:clients" not in {edge.source for edge in short.edges}


def test_a_receive_and_a_process_span_of_one_message_count_once(store: Answering) -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    received = process("email", published, 85, 1, messaging_operation="receive")
    handled = process("email", published, 86, 9)
    found = edges(store([created, published, received, handled]))
    assert found["topic:orders", "group:email"].calls == 1
    assert found["topic:orders", "group:email"].p50_ms == pytest.approx(26)


def test_a_batch_with_two_links_counts_two_messages(store: Answering) -> None:
    created = http_server("order", "POST /orders", 0, 84)
    sent = [publish("order", "orders", at, created, offset=at) for at in (50, 60)]
    batch = replace(
        process("email", sent[0], 100, 9),
        parent_id=None,
        trace_id="d" * 32,
        offset=None,
        batch_count=2,
        links=tuple((s.trace_id, s.span_id) for s in sent),
    )
    edge = edges(store([created, *sent, batch]))["topic:orders", "group:email"]
    assert (edge.calls, edge.evidence.link) == (2, 2)


def test_a_queue_and_its_exchange_are_one_node(store: Answering) -> None:
    created = http_server("order", "POST /orders", 0, 84)
    sent = replace(publish("order", "orders", 60, created), messaging_system="rabbitmq")
    taken = replace(process("email", sent, 86, 9), messaging_system="rabbitmq", topic="orders-to-email")
    found = edges(store([created, sent, taken]))
    assert found["topic:orders", "group:email"].p50_ms == pytest.approx(26)
    assert not any("orders-to-email" in end for pair in found for end in pair)


def test_callees_without_spans_are_external_nodes_or_databases(store: Answering) -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    bank = http_client("order", "POST", 5, 30, entry, peer_address="bank.example", peer_port=443)
    rows = span("order", "SELECT", 3, 40, 5, entry, db_system="postgresql", db_namespace="shop")
    found = edges(store([entry, bank, rows]))
    assert found["service:order", "external:bank.example:443"].protocol == "http"
    assert found["service:order", "database:postgresql/shop"].kind == "sync"


def test_a_shared_span_is_one_call(store: Answering) -> None:
    entry = http_server("web", "GET /", 0, 50)
    client = http_client("web", "GET", 5, 40, entry)
    server = replace(http_server("api", "GET /things", 10, 30, entry), span_id=client.span_id)
    found = edges(store([entry, client, server]))
    assert {pair: edge.calls for pair, edge in found.items()} == {
        ("entry:clients", "service:web"): 1,
        ("service:web", "service:api"): 1,
    }


def test_spans_below_a_shared_span_belong_to_its_server_half(store: Answering) -> None:
    entry = http_server("web", "GET /", 0, 50)
    client = http_client("web", "GET", 5, 40, entry)
    server = replace(http_server("api", "GET /things", 10, 30, entry), span_id=client.span_id)
    inside = replace(http_server("api", "load", 12, 10, server), kind=1, http_method=None)
    duplicate = http_server("api", "GET /things", 13, 8, server)
    uninstrumented = http_server("stock", "GET /stock", 14, 5, server)
    found = edges(store([entry, client, server, inside, duplicate, uninstrumented]))
    assert {pair: edge.calls for pair, edge in found.items()} == {
        ("entry:clients", "service:web"): 1,
        ("service:web", "service:api"): 1,
        ("service:api", "service:stock"): 1,
    }


def test_latency_is_reported_by_edge_and_by_route_over_time(store: Answering) -> None:
    later = [replace(s, trace_id="e" * 32, start=s.start + 60_000 * MS) for s in hybrid_order()]
    answers = store([*hybrid_order(), *later])
    by_edge = answers.latency("edge")
    assert {(point.name, point.calls) for point in by_edge.points} == {
        ("order → pricing", 1),
        ("orders → payment", 1),
        ("orders → email", 1),
        ("payments → order", 1),
    }
    assert len(by_edge.points) == 8
    by_route = answers.latency("route")
    assert "order  POST /orders" in {point.name for point in by_route.points}
    assert "email  process orders" in {point.name for point in by_route.points}


def test_a_stream_counts_as_a_call_but_not_in_the_latency(store: Answering) -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    asked = grpc_client("order", "shop.Pricing/Quote", 1, 20, entry)
    quote = grpc_server("pricing", "shop.Pricing/Quote", 2, 18, asked)
    streaming = {"attributes": {"laban.rpc.streaming": "server"}}
    watched = grpc_client("order", "shop.Pricing/Watch", 1, 60_000, entry, **streaming)
    prices = grpc_server("pricing", "shop.Pricing/Watch", 2, 59_000, watched, **streaming)
    alone = grpc_client("order", "shop.Rates/Watch", 1, 60_000, entry, peer_address="rates", **streaming)
    answers = store([entry, asked, quote, watched, prices, alone])
    found = edges(answers)
    assert found["service:order", "service:pricing"].calls == 2
    assert found["service:order", "service:pricing"].p99_ms == pytest.approx(20)
    assert found["service:order", "external:rates"].calls == 1
    assert found["service:order", "external:rates"].p50_ms is None
    (edge,) = answers.latency("edge").points
    assert (edge.name, edge.calls) == ("order → pricing", 2)
    assert edge.p99_ms == pytest.approx(20)
    routes = {point.name for point in answers.latency("route").points}
    assert routes == {"order  POST /orders", "pricing  shop.Pricing/Quote"}


def test_lag_is_reported_as_polled(database: Database) -> None:
    writer = DuckDBWriter(database)
    writer.write_lag([lag("email", "orders", 3, 10, 1.5)])
    writer.write_lag([replace(lag("email", "orders", 8, 10, 0.5), time=T0 + 5000 * MS)])
    answers = LocalAnswers(DuckDBReader(database))
    (group,) = answers.lag().groups
    assert (group.group, group.messages, group.topics[0].seconds) == ("email", 2, 0.5)
    assert [p.messages for p in answers.lag_history(since=utc_time(T0)).points] == [7, 2]


def test_an_empty_database_gives_empty_answers(database: Database) -> None:
    answers = LocalAnswers(DuckDBReader(database))
    assert answers.status().spans == 0
    assert answers.service_map().edges == []
    assert answers.lag().groups == []
    assert answers.known_values("order").values == []
    with pytest.raises(UnknownValue, match="No order has been seen at all"):
        answers.story("order", "1")


def test_known_values_are_the_newest_first(store: Answering) -> None:
    store(named(hybrid_order(), "1"))
    later = [replace(s, trace_id="e" * 32, start=s.start + 1000 * MS) for s in hybrid_order()]
    answers = store(named(later, "2"))
    assert [known.value for known in answers.known_values("order").values] == ["2", "1"]
    (last,) = answers.known_values("order", limit=1).values
    assert last.value == "2"
    (before,) = answers.known_values("order", until=utc_time(T0 + 900 * MS)).values
    assert before.value == "1"
    a_day_later = utc_time(T0 + 25 * 3600 * 1000 * MS)
    assert answers.known_values("order", until=a_day_later).values == []


def test_both_forms_of_a_trace_id_are_one_story(store: Answering) -> None:
    entry = http_server("web", "GET /", 0, 50)
    call = http_client("web", "GET", 5, 40, entry)
    short = "0" * 16 + entry.trace_id[16:]
    server = replace(http_server("api", "GET /things", 10, 30, call), trace_id=short)
    answers = store([*named([entry, call]), server])
    story = answers.story("order", "123")
    assert [(step.service, step.depth, step.trace_id) for step in story.steps] == [
        ("web", 0, entry.trace_id),
        ("web", 1, entry.trace_id),
        ("api", 2, short),
    ]
    assert story.outcome == "ok"


def test_a_link_to_the_other_form_of_a_trace_id_is_followed(store: Answering) -> None:
    created, _, _, published, *_ = hybrid_order()
    short = "0" * 16 + created.trace_id[16:]
    published = replace(published, trace_id=short)
    consumer = replace(
        process("audit", published, 300, 5),
        trace_id="d" * 32,
        parent_id=None,
        links=((short, published.span_id),),
    )
    story = store([*named([created]), published, consumer]).story("order", "123")
    assert [step.service for step in story.steps] == ["order", "order", "audit"]


def test_an_ambiguous_form_of_a_trace_id_stays_apart(store: Answering) -> None:
    mine = http_server("web", "GET /", 0, 50)
    low = mine.trace_id[16:]
    others = [
        replace(http_server("api", "GET /", 10, 5), trace_id=high + low) for high in ("0" * 16, "f" * 16)
    ]
    assert store([*named([mine]), *others]).story("order", "123").spans == 1


def test_services_of_two_namespaces_are_told_apart(store: Answering) -> None:
    entry = http_server("api", "GET /a", 0, 90, namespace="shop")
    call = http_client("api", "GET", 5, 80, entry, namespace="shop")
    other = http_server("api", "GET /b", 10, 60, call, namespace="billing")
    story = store(named([entry, call, other])).story("order", "123")
    assert [(step.service, step.namespace) for step in story.steps] == [
        ("shop/api", "shop"),
        ("shop/api", "shop"),
        ("billing/api", "billing"),
    ]


def test_a_second_consumer_is_found_by_the_address_of_the_message(store: Answering) -> None:
    spans = hybrid_order()
    published = spans[3]
    audit = replace(process("audit", published, 300, 5), trace_id="d" * 32, parent_id=None)
    story = store([*named(spans), audit]).story("order", "123")
    [orders] = [message for message in story.messages if message.topic == "orders"]
    assert [(state.group, state.state) for state in orders.groups] == [
        ("audit", "processed"),
        ("email", "processed"),
        ("payment", "processed"),
    ]
