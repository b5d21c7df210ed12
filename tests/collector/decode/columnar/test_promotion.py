"""Promotion by columns gives what promotion span by span gives, for everything that vendors write."""

import random

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban.vocabulary import CONSULTED, PROMOTED
from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder

from ...batches import assert_same, rows_of
from ...requests import body, span

FINDER = KeyFinder()
VALUES: dict[str, list[object]] = {
    "messaging_system": ["kafka", "Kafka", "RabbitMQ", "rabbitmq", "gcp_pubsub", "pulsar", "aws_sqs", "x"],
    "messaging_operation": [
        "publish",
        "receive",
        "Poll",
        "ack",
        "create",
        "deliver",
        "basic.deliver",
        "x",
        "",
    ],
    "messaging_destination": [
        *("", "amq.default", "<default>", "orders", "orders:created", "orders:created:billing", ",orders"),
        *(
            "logs,all",
            "amq.gen-7",
            "_INBOX.1.2",
            "(anonymous)",
            "projects/p/topics/t",
            "topic/Subscriptions/s",
        ),
        *("persistent://public/default/t-partition-2", "arn:aws:sns:eu-1:123456789012:topic:id-1", "a\nb"),
        *("projects/p/subscriptions/s", "https://sqs.eu-1.amazonaws.com/123456789012/queue", 7),
    ],
    "peer_address": [
        *(
            "Orders.Example.",
            "10.0.0.7",
            "[::1]:80",
            "::FFFF:10.0.0.7",
            "shop:8080",
            "http://shop",
            "a,b",
            " ",
        ),
        *(
            "Server=tcp:db,1433;User=u",
            "jdbc:postgresql://db:5432/x",
            "/run/x.sock",
            "localhost",
            "ip-10-0-0-7",
        ),
    ],
    "peer_port": [80, "81", 0, -1, "x"],
    "url": [
        "https://User:pw@Shop.Example./a?b#c",
        "/a",
        "http://[::1]:8080/",
        "http://shop:99999/",
        "ftp://h\n/",
    ],
    "rpc_system": ["grpc", "apache_dubbo", "jsonrpc", "x"],
    "rpc_service": ["shop.Orders", "Other"],
    "rpc_method": ["Get", "shop.Orders/Get", "/shop.Orders/Get", "tools/call", "a/"],
    "db_system": ["mssql", "PostgreSQL", "x"],
    "routing_key": ["created", "orders", "amq.gen-7"],
    "queue": ["billing", "orders", "amq.gen-7", ""],
    "published_to": ["orders", "amq.default", "_INBOX.9"],
    "resource": ["https://sqs.eu-1.amazonaws.com/123456789012/queue", "amqp://broker", "queue"],
    "anonymous": [True, False, "true", 1],
    "consumer_id": ["billing - client-1", "billing", "a - b - c", ""],
    "client_id": ["client-1", "c"],
}
ANY: list[object] = ["a", "b", "", 1, True, 0.5]
NAMES = ("orders receive", "process orders", "GET /", "poll", "", "orders create")
KINDS = (
    *(Span.SPAN_KIND_UNSPECIFIED, Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT),
    *(Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER),
)
KEYS = [
    *((promoted.column, key) for promoted in PROMOTED for key in promoted.every_key),
    *((consulted.name, key) for consulted in CONSULTED for key in consulted.keys),
]


@pytest.mark.parametrize("seed", range(6))
def test_random_spans_of_all_dialects_are_promoted_the_same_both_ways(seed: int) -> None:
    numbers = random.Random(seed)  # noqa: S311 - nothing secret
    focus = numbers.sample(KEYS, 30)
    sent = []
    for number in range(800):
        attributes: dict[str, object] = {}
        for column, key in numbers.sample(KEYS if number % 2 else focus, numbers.randrange(12)):
            attributes[key] = numbers.choice(VALUES.get(column, ANY))
        made = span(number, attributes, numbers.choice(KINDS))
        made.name = numbers.choice(NAMES)
        sent.append(made)
    payload = body(*sent)
    by_columns = OtlpDecoder(FINDER).decode([payload])
    assert len(rows_of(by_columns.batch)["spans"]) == len(sent)
    assert_same(otlp_protobuf.decode([payload], FINDER), by_columns)


def test_many_distinct_values_are_promoted_the_same_both_ways() -> None:
    """With more values than are converted one by one, the usual ones are skipped by patterns."""
    values = ("client.address", "net.peer.name", "server.address", "messaging.destination", "url.full")
    forms = ("{}", "10.0.0.{}", "Shop-{}.", "host{}:80", "amq.gen-{}", "http://Shop{}/", "::{}", "temp-{}")
    sent = [
        span(number, {key: numbers_of(forms, number, at) for at, key in enumerate(values)}, KINDS[number % 6])
        for number in range(1200)
    ]
    payload = body(*sent)
    assert_same(otlp_protobuf.decode([payload], FINDER), OtlpDecoder(FINDER).decode([payload]))


def numbers_of(forms: tuple[str, ...], number: int, at: int) -> str:
    return forms[(number + at) % len(forms)].format(number)
