"""Kinds of hops as other people's systems send them: what is on the map, in any order of arrival."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.rows import Row
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Span

from ..random_shop import CLIENT, CONSUMER, INTERNAL, KINDLESS, PRODUCER, SERVER, T0, S
from .test_counter import WHOLE, count, from_counts, from_spans, random_commits, store

TRACE = "a" * 32
ORDERS: dict[str, Any] = {"messaging_system": "kafka", "topic": "orders"}

Edges = dict[tuple[str, str], int]


@dataclass
class Trace:
    """Makes spans; each starts a second after the one before."""

    trace_id: str = TRACE

    def __post_init__(self) -> None:
        self._number = itertools.count(1)

    def span(self, service: str, kind: int, parent: Span | str | None = None, **fields: Any) -> Span:
        number = next(self._number)
        above = parent.span_id if isinstance(parent, Span) else parent
        span_id = f"{int(self.trace_id[:1], 16):x}{number:015x}"
        span = Span(self.trace_id, span_id, above, service, "work", kind, T0 + number * S, S, 0)
        return replace(span, **fields)


@pytest.fixture
def trace() -> Trace:
    return Trace()


def rows_of(database: Database, spans: Sequence[Span]) -> list[Row]:
    """Return the edges of these spans; the same from the counts, in random commits, and from the spans."""
    store(DuckDBWriter(database), random_commits(spans, 2, 3))
    count(database, step=1)
    expected = from_spans(database, *WHOLE)
    assert from_counts(database, *WHOLE) == expected
    return expected


def edges_of(database: Database, spans: Sequence[Span]) -> Edges:
    """Return the calls by source and target."""
    return {(row["source"], row["target"]): row["calls"] for row in rows_of(database, spans)}


# Destinations without a name


def test_a_message_without_a_destination_is_an_async_hop_from_service_to_service(
    database: Database, trace: Trace
) -> None:
    sent = trace.span("order", PRODUCER, messaging_system="rabbitmq")
    consumed = trace.span("stock", CONSUMER, sent, messaging_system="rabbitmq")
    [row] = rows_of(database, [sent, consumed])
    assert (row["source"], row["target"], row["protocol"]) == ("service:order", "service:stock", "rabbitmq")
    assert (row["is_async"], row["calls"], row["by_parent"]) == (True, 1, 1)
    assert row["latencies"] == [S]


def test_a_message_without_a_destination_or_a_consumer_went_to_the_messaging_system(
    database: Database, trace: Trace
) -> None:
    sent = trace.span("order", PRODUCER, messaging_system="rabbitmq")
    assert edges_of(database, [sent]) == {("service:order", "external:rabbitmq"): 1}


def test_a_message_without_a_destination_went_to_the_topic_that_its_consumer_names(
    database: Database, trace: Trace
) -> None:
    sent = trace.span("order", PRODUCER, messaging_system="rabbitmq")
    consumed = trace.span("stock", CONSUMER, sent, messaging_system="rabbitmq", topic="orders")
    assert edges_of(database, [sent, consumed]) == {
        ("service:order", "topic:orders"): 1,
        ("topic:orders", "service:stock"): 1,
    }


def test_a_consumer_without_a_destination_or_a_producer_has_a_sender_that_was_not_seen(
    database: Database, trace: Trace
) -> None:
    consumed = trace.span("stock", CONSUMER, "f" * 16, messaging_system="rabbitmq")
    assert edges_of(database, [consumed]) == {("unseen:callers", "service:stock"): 1}


# Callers that were not seen


def test_a_parent_that_was_not_sent_is_a_caller_not_seen_and_a_root_is_an_entry(
    database: Database, trace: Trace
) -> None:
    root = trace.span("web", SERVER)
    orphan = trace.span("order", SERVER, "f" * 16)
    assert edges_of(database, [root, orphan]) == {
        ("entry:clients", "service:web"): 1,
        ("unseen:callers", "service:order"): 1,
    }


def test_the_caller_not_seen_is_corrected_when_the_parent_comes(database: Database, trace: Trace) -> None:
    client = trace.span("web", CLIENT, peer_address="order", peer_port=80)
    server = trace.span("order", SERVER, client)
    writer = DuckDBWriter(database)
    store(writer, [[server]])
    count(database)
    assert [(row["source"], row["target"]) for row in from_counts(database, *WHOLE)] == [
        ("unseen:callers", "service:order")
    ]
    store(writer, [[client]])
    count(database)
    assert [(row["source"], row["target"]) for row in from_counts(database, *WHOLE)] == [
        ("service:web", "service:order")
    ]


# Callees without a server span


@pytest.mark.parametrize("kind", [KINDLESS, INTERNAL, CLIENT, PRODUCER, CONSUMER])
def test_any_span_of_another_service_below_a_client_span_proves_one_call(
    database: Database, trace: Trace, kind: int
) -> None:
    client = trace.span("web", CLIENT, peer_address="order", peer_port=80, http_method="GET", status=2)
    inside = [trace.span("order", kind, client, peer_address="bank") for _ in range(2)]
    found = {(row["source"], row["target"]): row for row in rows_of(database, [client, *inside])}
    call = found["service:web", "service:order"]
    assert (call["calls"], call["errors"], call["by_parent"], call["protocol"]) == (1, 1, 1, "http")
    assert not any(target.startswith("external:order") for _, target in found)


def test_a_failure_inside_the_callee_counts_only_for_the_call_that_failed(
    database: Database, trace: Trace
) -> None:
    client = trace.span("web", CLIENT, http_method="GET")
    failed = trace.span("order", CLIENT, client, status=2, peer_address="bank")
    errors = {row["target"]: row["errors"] for row in rows_of(database, [client, failed])}
    assert errors == {"service:order": 0, "external:bank": 1}


@pytest.mark.parametrize("kind", [CLIENT, INTERNAL])
def test_a_client_span_below_a_client_span_of_its_service_is_a_step_of_one_call(
    database: Database, trace: Trace, kind: int
) -> None:
    query = trace.span("order", kind, db_system="elasticsearch", peer_address="search")
    request = trace.span("order", CLIENT, query, http_method="POST", peer_address="search", peer_port=9200)
    connect = trace.span(
        "order", CLIENT, request, peer_address="10.0.0.7", peer_port=9200, name="tcp.connect"
    )
    lookup = trace.span("order", CLIENT, None, peer_address="10.0.0.7", name="dns.lookup")
    assert edges_of(database, [query, request, connect, lookup]) == {
        ("service:order", "database:elasticsearch"): 1
    }


def test_a_call_inside_another_call_to_another_host_counts(database: Database, trace: Trace) -> None:
    payment = trace.span("order", CLIENT, http_method="POST", peer_address="bank", peer_port=443)
    token = trace.span("order", CLIENT, payment, http_method="POST", peer_address="auth", peer_port=443)
    assert edges_of(database, [payment, token]) == {
        ("service:order", "external:bank:443"): 1,
        ("service:order", "external:auth:443"): 1,
    }


def test_a_wrapper_around_an_answered_call_is_not_another_call(database: Database, trace: Trace) -> None:
    wrapper = trace.span("order", CLIENT, rpc_system="aws-api", rpc_service="Lambda")
    request = trace.span("order", CLIENT, wrapper, http_method="POST", peer_address="lambda")
    served = trace.span("price", SERVER, request)
    assert edges_of(database, [wrapper, request, served]) == {("service:order", "service:price"): 1}


# Publishing


def test_a_client_span_that_sends_publishes(database: Database, trace: Trace) -> None:
    sent = trace.span("order", CLIENT, messaging_operation="send", **ORDERS)
    consumed = trace.span("stock", CONSUMER, sent, group="stock", **ORDERS)
    assert edges_of(database, [sent, consumed]) == {
        ("service:order", "topic:orders"): 1,
        ("topic:orders", "group:stock"): 1,
        ("group:stock", "service:stock"): 1,
    }


def test_a_batch_counts_the_spans_that_create_its_messages_and_the_errors_of_the_sending(
    database: Database, trace: Trace
) -> None:
    created = [trace.span("order", PRODUCER, messaging_operation="create", **ORDERS) for _ in range(3)]
    sent = trace.span("order", CLIENT, messaging_operation="send", status=2, **ORDERS)
    consumed = [trace.span("stock", CONSUMER, span, group="stock", **ORDERS) for span in created]
    rows = {(row["source"], row["target"]): row for row in rows_of(database, [*created, sent, *consumed])}
    published = rows["service:order", "topic:orders"]
    assert (published["calls"], published["errors"], published["timed"]) == (3, 1, [1])
    assert rows["topic:orders", "group:stock"]["calls"] == 3


def test_two_layers_that_publish_one_message_count_once(database: Database, trace: Trace) -> None:
    template = trace.span("order", PRODUCER, messaging_operation="send", **ORDERS)
    client = trace.span("order", PRODUCER, template, messaging_operation="send", messaging_system="kafka")
    request = trace.span("order", CLIENT, client, http_method="POST", peer_address="broker")
    assert edges_of(database, [template, client, request]) == {("service:order", "topic:orders"): 1}


@pytest.mark.parametrize("kind", [SERVER, INTERNAL, CLIENT])
def test_a_message_pushed_to_a_server_is_an_async_hop_through_its_topic(
    database: Database, trace: Trace, kind: int
) -> None:
    sent = trace.span("order", PRODUCER, **ORDERS)
    pushed = trace.span("stock", kind, sent, status=2)
    rows = {(row["source"], row["target"]): row for row in rows_of(database, [sent, pushed])}
    rows.pop(("service:stock", "external:unknown/stock"), None)
    assert set(rows) == {("service:order", "topic:orders"), ("topic:orders", "service:stock")}
    delivered = rows["topic:orders", "service:stock"]
    assert (delivered["is_async"], delivered["calls"], delivered["errors"]) == (True, 1, 1)


def test_a_server_that_is_called_inside_a_consumer_is_called_by_its_service(
    database: Database, trace: Trace
) -> None:
    consumed = trace.span("stock", CONSUMER, **ORDERS)
    served = trace.span("price", SERVER, consumed)
    assert edges_of(database, [consumed, served])["service:stock", "service:price"] == 1


# Peers that one side names


def test_a_caller_that_only_the_server_names_is_a_node(database: Database, trace: Trace) -> None:
    root = trace.span("order", SERVER, peer_service="mobile-app")
    orphan = trace.span("order", SERVER, "f" * 16, peer_service="partner")
    assert edges_of(database, [root, orphan]) == {
        ("external:mobile-app", "service:order"): 1,
        ("external:partner", "service:order"): 1,
    }


def test_a_named_peer_is_the_service_of_that_name(database: Database, trace: Trace) -> None:
    root = trace.span("order", SERVER, peer_service="web")
    call = trace.span("order", CLIENT, root, peer_service="stock", peer_address="10.0.0.3", peer_port=80)
    others = [Trace("b" * 32).span("web", SERVER), Trace("c" * 32).span("stock", SERVER)]
    found = edges_of(database, [root, call, *others])
    assert found["service:web", "service:order"] == 1
    assert found["service:order", "service:stock"] == 1


def test_a_consumer_may_name_who_published(database: Database, trace: Trace) -> None:
    consumed = trace.span("stock", CONSUMER, peer_service="scanner", group="stock", **ORDERS)
    broker = trace.span("stock", CONSUMER, peer_service="kafka", group="stock", **ORDERS)
    assert edges_of(database, [consumed, broker]) == {
        ("external:scanner", "topic:orders"): 1,
        ("topic:orders", "group:stock"): 2,
        ("group:stock", "service:stock"): 2,
    }


def test_a_span_without_a_kind_that_names_a_peer_is_a_call(database: Database, trace: Trace) -> None:
    call = trace.span("order", KINDLESS, peer_service="stock", peer_address="10.0.0.3", peer_port=80)
    assert edges_of(database, [call]) == {("service:order", "external:stock"): 1}


def test_a_span_without_a_kind_may_name_its_caller(database: Database, trace: Trace) -> None:
    client = trace.span("web", CLIENT, http_method="GET")
    served = trace.span("bank", KINDLESS, client, peer_service="web")
    assert edges_of(database, [client, served]) == {("service:web", "service:bank"): 1}


# Names of callees


def test_one_external_host_is_one_node_under_all_its_names(database: Database, trace: Trace) -> None:
    known: dict[str, Any] = {"http_method": "GET", "peer_address": "api.bank.example", "peer_port": 443}
    spans = [
        trace.span("order", CLIENT, **known),
        trace.span("order", CLIENT, peer_service="bank", **known),
        trace.span("order", CLIENT, http_method="GET", peer_address="api.bank.example"),
    ]
    assert edges_of(database, spans) == {("service:order", "external:bank"): 3}


def test_a_host_without_a_port_is_the_host_with_its_only_port(database: Database, trace: Trace) -> None:
    spans = [
        trace.span("order", CLIENT, http_method="GET", peer_address="api.example", peer_port=443),
        trace.span("order", CLIENT, http_method="GET", peer_address="api.example"),
    ]
    assert edges_of(database, spans) == {("service:order", "external:api.example:443"): 2}


def test_a_callee_without_a_name_is_unknown_and_not_named_after_a_span(
    database: Database, trace: Trace
) -> None:
    assert edges_of(database, [trace.span("order", CLIENT, name="fetch 4711")]) == {
        ("service:order", "external:unknown/order"): 1
    }


def test_databases_of_one_name_on_two_servers_are_two_nodes(database: Database, trace: Trace) -> None:
    shop: dict[str, Any] = {"db_system": "postgresql", "db_namespace": "shop"}
    spans = [
        trace.span("order", CLIENT, peer_address="db1", peer_port=5432, **shop),
        trace.span("stock", CLIENT, peer_address="db2", peer_port=5432, **shop),
        trace.span("stock", CLIENT, peer_address="10.0.0.2", peer_port=5432, **shop),
        trace.span("price", CLIENT, db_system="redis", peer_address="cache", peer_port=6379),
        trace.span("price", CLIENT, db_system="redis", peer_address="10.0.0.9", peer_port=6379),
    ]
    assert edges_of(database, spans) == {
        ("service:order", "database:postgresql/shop@db1:5432"): 1,
        ("service:stock", "database:postgresql/shop@db2:5432"): 1,
        ("service:stock", "database:postgresql/shop"): 1,
        ("service:price", "database:redis"): 2,
    }


def test_the_ip_addresses_that_one_service_calls_are_one_cluster(database: Database, trace: Trace) -> None:
    keyspace: dict[str, Any] = {"db_system": "cassandra", "db_namespace": "auth", "peer_port": 9042}
    spans = [trace.span("auth", CLIENT, peer_address=f"10.0.0.{node}", **keyspace) for node in range(3)]
    assert edges_of(database, spans) == {("service:auth", "database:cassandra/auth"): 3}
    elsewhere = trace.span("bills", CLIENT, peer_address="10.9.0.1", **keyspace)
    assert edges_of(database, [elsewhere]) == {
        ("service:auth", "database:cassandra/auth@10.0.0.0:9042"): 3,
        ("service:bills", "database:cassandra/auth@10.9.0.1:9042"): 1,
    }


# Receiving and processing


def test_a_process_span_below_a_receive_span_is_one_consumption_with_what_either_says(
    database: Database, trace: Trace
) -> None:
    sent = trace.span("order", PRODUCER, **ORDERS)
    received = trace.span("stock", CONSUMER, sent, messaging_operation="receive", group="stock", **ORDERS)
    processed = trace.span(
        "stock", CONSUMER, received, messaging_operation="process", status=2, duration=5 * S
    )
    rows = {(row["source"], row["target"]): row for row in rows_of(database, [sent, received, processed])}
    assert {pair: row["calls"] for pair, row in rows.items()} == {
        ("service:order", "topic:orders"): 1,
        ("topic:orders", "group:stock"): 1,
        ("group:stock", "service:stock"): 1,
    }
    handled = rows["group:stock", "service:stock"]
    assert (handled["errors"], handled["latencies"]) == (1, [5 * S])
    assert rows["topic:orders", "group:stock"]["latencies"] == [2 * S]


def test_a_queue_that_is_fed_by_a_topic_of_another_name_is_the_group(
    database: Database, trace: Trace
) -> None:
    sent = trace.span("order", PRODUCER, messaging_system="aws.sns", topic="orders")
    received = trace.span(
        "stock",
        CONSUMER,
        sent,
        messaging_system="aws_sqs",
        topic="stock-queue",
        messaging_operation="receive",
    )
    processed = trace.span("stock", CONSUMER, received, messaging_operation="process")
    assert edges_of(database, [sent, received, processed]) == {
        ("service:order", "topic:orders"): 1,
        ("topic:orders", "group:stock-queue"): 1,
        ("group:stock-queue", "service:stock"): 1,
    }


def test_an_empty_poll_is_not_a_message(database: Database, trace: Trace) -> None:
    poll = trace.span("stock", CLIENT, messaging_operation="receive", batch_count=0, group="stock", **ORDERS)
    assert edges_of(database, [poll]) == {}


def test_a_message_consumed_before_it_was_sent_has_an_unknown_time_in_the_queue(
    database: Database, trace: Trace
) -> None:
    sent = trace.span("order", PRODUCER, **ORDERS)
    consumed = trace.span("stock", CONSUMER, sent, start=sent.start - 5 * S, group="stock", **ORDERS)
    rows = {(row["source"], row["target"]): row for row in rows_of(database, [sent, consumed])}
    assert rows["topic:orders", "group:stock"]["latencies"] is None


def test_consumers_that_only_link_to_one_or_several_producers_are_consumers_of_each(
    database: Database, trace: Trace
) -> None:
    sent = [trace.span("order", PRODUCER, **ORDERS) for _ in range(2)]
    links = tuple((span.trace_id, span.span_id) for span in sent)
    batch = Trace("b" * 32).span("stock", CONSUMER, links=links, group="stock", **ORDERS)
    single = Trace("c" * 32).span("bank", CONSUMER, links=links[:1], group="bank", **ORDERS)
    found = rows_of(database, [*sent, batch, single])
    assert {(row["source"], row["target"]): row["by_link"] for row in found if row["by_link"]} == {
        ("topic:orders", "group:stock"): 2,
        ("group:stock", "service:stock"): 2,
        ("topic:orders", "group:bank"): 1,
        ("group:bank", "service:bank"): 1,
    }


# Trace ids


def test_the_64_and_128_bit_forms_of_a_trace_id_are_one_trace(database: Database, trace: Trace) -> None:
    client = trace.span("web", CLIENT, http_method="GET")
    server = replace(trace.span("order", SERVER, client), trace_id="0" * 16 + TRACE[16:])
    assert edges_of(database, [client, server]) == {("service:web", "service:order"): 1}


def test_a_64_bit_trace_id_that_fits_two_traces_is_not_joined(database: Database, trace: Trace) -> None:
    client = trace.span("web", CLIENT, http_method="GET", peer_address="order")
    twin = replace(client, trace_id="b" * 16 + TRACE[16:])
    server = replace(trace.span("order", SERVER, client), trace_id="0" * 16 + TRACE[16:])
    assert edges_of(database, [client, twin, server]) == {
        ("service:web", "external:order"): 2,
        ("unseen:callers", "service:order"): 1,
    }


# Namespaces


def test_services_of_two_namespaces_are_two_nodes(database: Database, trace: Trace) -> None:
    client = trace.span("api", CLIENT, namespace="shop", http_method="GET")
    server = trace.span("api", SERVER, client, namespace="billing")
    assert edges_of(database, [client, server]) == {("service:shop/api", "service:billing/api"): 1}
