"""Topics and groups of every broker, from the attributes that its instrumentations document."""

from typing import NamedTuple

import pytest

from laban_collector.batch.attributes import Value
from laban_collector.decode.promotion import promote

CLIENT, PRODUCER, CONSUMER = 3, 4, 5
KEY = "messaging.rabbitmq.destination.routing_key"
NAME = "messaging.destination.name"


class Case(NamedTuple):
    kind: int
    sent: dict[str, Value]
    topic: str | None
    group: str | None = None


RABBITMQ = [
    Case(PRODUCER, {"messaging.destination": "", "messaging.rabbitmq.routing_key": "orders"}, "orders"),
    Case(CONSUMER, {NAME: "", KEY: "orders"}, "orders"),
    Case(PRODUCER, {NAME: "amq.default", KEY: "orders"}, "orders"),
    Case(PRODUCER, {NAME: "<default>", KEY: "orders"}, "orders"),
    Case(PRODUCER, {NAME: "(default)", KEY: "orders"}, "orders"),
    Case(PRODUCER, {NAME: "amq.default"}, None),
    Case(PRODUCER, {}, None),
    Case(CONSUMER, {NAME: "orders", KEY: "orders"}, "orders"),
    Case(PRODUCER, {NAME: "logs", KEY: "warn"}, "logs"),
    Case(PRODUCER, {NAME: "logs:warn", KEY: "warn"}, "logs"),
    Case(CONSUMER, {NAME: "logs:warn:audit", KEY: "warn"}, "logs", "audit"),
    Case(CONSUMER, {NAME: "logs:audit", KEY: "audit"}, "logs", "audit"),
    Case(CONSUMER, {NAME: "logs:audit"}, "logs", "audit"),
    Case(CONSUMER, {NAME: "Shop:Paid:a:b:audit", KEY: "a:b"}, "Shop:Paid", "audit"),
    Case(PRODUCER, {NAME: "Shop:Paid"}, "Shop:Paid"),
    Case(CONSUMER, {NAME: "Shop:Paid:audit"}, "Shop:Paid", "audit"),
    Case(PRODUCER, {"messaging.destination": "logs,warn"}, "logs"),
    Case(PRODUCER, {"messaging.destination": ",orders"}, "orders"),
    Case(CONSUMER, {NAME: "logs", "messaging.source.name": "audit"}, "logs", "audit"),
    Case(CONSUMER, {NAME: "audit", "messaging.destination_publish.name": "logs"}, "logs", "audit"),
    Case(CONSUMER, {NAME: "orders", "messaging.destination_publish.name": ""}, "orders"),
    Case(CONSUMER, {"amqp.exchange": "", "amqp.queue": "orders"}, "orders"),
    Case(
        CLIENT, {NAME: "logs:warn:audit", KEY: "warn", "messaging.operation.type": "receive"}, "logs", "audit"
    ),
    Case(CLIENT, {NAME: "logs:warn", KEY: "warn", "messaging.operation.type": "send"}, "logs"),
]
KAFKA = [
    Case(CONSUMER, {"messaging.source.name": "orders"}, "orders"),
    Case(CONSUMER, {"messaging.destination": "orders", "messaging.kafka.consumer_group": "g"}, "orders", "g"),
    Case(CONSUMER, {NAME: "orders", "messaging.kafka.consumer.group": "g"}, "orders", "g"),
    Case(CONSUMER, {NAME: "orders", "messaging.consumer.id": "g - client-1"}, "orders", "g"),
    Case(CONSUMER, {NAME: "orders", "messaging.consumer_id": "g"}, "orders", "g"),
    Case(CONSUMER, {NAME: "orders", "messaging.consumer_id": "a - b - c"}, "orders"),
    Case(
        CONSUMER,
        {NAME: "orders", "messaging.consumer.id": "a - b - c", "messaging.kafka.client_id": "c"},
        "orders",
        "a - b",
    ),
    Case(
        CONSUMER,
        {NAME: "orders", "messaging.consumer.id": "other", "messaging.kafka.consumer.group": "g"},
        "orders",
        "g",
    ),
    Case(CONSUMER, {"kafka.topic": "orders", "kafka.group_id": "g"}, "orders", "g"),
    Case(PRODUCER, {"message_bus.destination": "orders"}, "orders"),
    Case(PRODUCER, {NAME: "a:b,c/d"}, "a:b,c/d"),
]
NATS = [
    Case(PRODUCER, {NAME: "orders.created"}, "orders.created"),
    Case(
        CONSUMER,
        {NAME: "orders.created", "messaging.consumer.group.name": "billing"},
        "orders.created",
        "billing",
    ),
    Case(PRODUCER, {NAME: "_INBOX.Kq3.1"}, "(temporary)"),
    Case(
        CONSUMER,
        {NAME: "_INBOX.Kq3.1", "messaging.destination.template": "_INBOX.{client}"},
        "_INBOX.{client}",
    ),
    Case(PRODUCER, {NAME: "orders.1001", "messaging.destination.template": "orders.{id}"}, "orders.1001"),
]
SQS = [
    Case(PRODUCER, {NAME: "orders"}, "orders"),
    Case(PRODUCER, {"messaging.url": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"}, "orders"),
    Case(CONSUMER, {"aws.sqs.queue.url": "http://localhost:4566/000000000000/orders.fifo"}, "orders.fifo"),
    Case(CONSUMER, {NAME: "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"}, "orders"),
    Case(CONSUMER, {NAME: "arn:aws:sqs:eu-west-1:123456789012:orders"}, "orders"),
    Case(CONSUMER, {"aws.queue.name": "orders"}, "orders"),
    Case(CONSUMER, {"messaging.url": "https://queue.example/"}, None),
]
SNS = [
    Case(PRODUCER, {NAME: "orders"}, "orders"),
    Case(PRODUCER, {"aws.sns.topic.arn": "arn:aws:sns:eu-west-1:123456789012:orders"}, "orders"),
    Case(PRODUCER, {NAME: "arn:aws-cn:sns:cn-north-1:123456789012:orders"}, "orders"),
    Case(CONSUMER, {NAME: "arn:aws:sns:eu-west-1:123456789012:orders:2bcfbf39-05c3"}, "orders"),
]
PUBSUB = [
    Case(PRODUCER, {NAME: "orders"}, "orders"),
    Case(PRODUCER, {NAME: "projects/shop/topics/orders"}, "orders"),
    Case(CONSUMER, {NAME: "billing-sub"}, "billing-sub", "billing-sub"),
    Case(CONSUMER, {NAME: "projects/shop/subscriptions/billing-sub"}, "billing-sub", "billing-sub"),
    Case(CONSUMER, {NAME: "projects/shop/topics/orders"}, "orders"),
    Case(
        CONSUMER,
        {NAME: "orders", "messaging.destination.subscription.name": "billing-sub"},
        "orders",
        "billing-sub",
    ),
    Case(CLIENT, {NAME: "billing-sub", "messaging.operation.name": "ack"}, "billing-sub", "billing-sub"),
]
SERVICE_BUS = [
    Case(PRODUCER, {NAME: "orders"}, "orders"),
    Case(CONSUMER, {NAME: "orders"}, "orders"),
    Case(
        CONSUMER,
        {NAME: "orders", "messaging.servicebus.destination.subscription_name": "billing"},
        "orders",
        "billing",
    ),
    Case(
        CONSUMER, {NAME: "orders", "messaging.destination.subscription.name": "billing"}, "orders", "billing"
    ),
    Case(CONSUMER, {"message_bus.destination": "orders/Subscriptions/billing"}, "orders", "billing"),
    Case(CONSUMER, {"messaging.destination.subscription.name": "billing"}, "billing", "billing"),
]
EVENT_HUBS = [
    Case(PRODUCER, {NAME: "clicks"}, "clicks"),
    Case(CONSUMER, {NAME: "clicks", "messaging.eventhubs.consumer.group": "$Default"}, "clicks", "$Default"),
    Case(CONSUMER, {NAME: "clicks/ConsumerGroups/stats/Partitions/3"}, "clicks", "stats"),
]
PULSAR = [
    Case(PRODUCER, {NAME: "persistent://shop/eu/orders"}, "persistent://shop/eu/orders"),
    Case(PRODUCER, {NAME: "persistent://shop/eu/orders-partition-12"}, "persistent://shop/eu/orders"),
    Case(
        CONSUMER,
        {NAME: "persistent://shop/eu/orders", "messaging.destination.subscription.name": "billing"},
        "persistent://shop/eu/orders",
        "billing",
    ),
]
REDIS = [
    Case(PRODUCER, {NAME: "orders"}, "orders"),
    Case(CONSUMER, {NAME: "orders", "messaging.consumer.group.name": "billing"}, "orders", "billing"),
]
ROCKETMQ = [
    Case(CONSUMER, {NAME: "orders", "messaging.rocketmq.client_group": "billing"}, "orders", "billing"),
]
CASES = {
    "rabbitmq": RABBITMQ,
    "kafka": KAFKA,
    "nats": NATS,
    "aws_sqs": SQS,
    "aws.sns": SNS,
    "gcp_pubsub": PUBSUB,
    "servicebus": SERVICE_BUS,
    "eventhubs": EVENT_HUBS,
    "pulsar": PULSAR,
    "redis": REDIS,
    "rocketmq": ROCKETMQ,
}


@pytest.mark.parametrize(
    ("system", "case"), [(system, case) for system, cases in CASES.items() for case in cases]
)
def test_topic_and_group_are_what_the_broker_calls_them(system: str, case: Case) -> None:
    sent: dict[str, Value] = {"messaging.system": system, **case.sent}
    columns, rest = promote(sent, case.kind)
    assert (columns.get("messaging_destination"), columns.get("messaging_group")) == (case.topic, case.group)
    assert columns["messaging_system"] == system
    assert rest.get(NAME) == (None if case.sent.get(NAME) == case.topic else case.sent.get(NAME))


@pytest.mark.parametrize(
    "sent",
    [
        {NAME: "amq.gen-JzTY20BRgKO"},
        {NAME: "", KEY: "amq.rabbitmq.reply-to.g2dkABZyYWJiaXRA"},
        {NAME: "spring.gen-sjdf7"},
        {NAME: "temp-queue://ID:host-1"},
        {NAME: "(anonymous)"},
        {NAME: "b3f2", "messaging.destination.anonymous": True},
        {NAME: "b3f2", "messaging.destination.temporary": True},
        {"messaging.source.name": "b3f2", "messaging.source.anonymous": True},
        {"messaging.destination.anonymous": True},
    ],
)
def test_destinations_made_for_one_client_share_one_name(sent: dict[str, Value]) -> None:
    system: dict[str, Value] = {"messaging.system": "rabbitmq"}
    assert promote(system | sent, CONSUMER)[0]["messaging_destination"] == "(temporary)"
    sent["messaging.destination.template"] = "replies"
    assert promote(system | sent, CONSUMER)[0]["messaging_destination"] == "replies"


def test_the_flag_that_pika_sets_on_every_publish_is_ignored() -> None:
    sent: dict[str, Value] = {"messaging.destination": "orders", "messaging.temp_destination": True}
    assert promote(sent, PRODUCER)[0]["messaging_destination"] == "orders"


@pytest.mark.parametrize(("kind", "operation"), [(PRODUCER, "send"), (CONSUMER, "process")])
def test_a_message_without_any_name_keeps_its_system_and_gets_an_operation(kind: int, operation: str) -> None:
    columns, rest = promote({"messaging.system": "rabbitmq", NAME: ""}, kind)
    assert columns == {"messaging_system": "rabbitmq", "messaging_operation": operation}
    assert rest == {NAME: ""}


def test_the_queue_of_an_api_call_that_is_no_message_is_no_destination() -> None:
    columns, _ = promote({"rpc.system": "aws-api", "aws.queue.name": "orders"}, CLIENT)
    assert columns == {"rpc_system": "aws-api"}


def test_a_receive_and_a_process_span_of_franz_go_name_the_same_record() -> None:
    record: dict[str, Value] = {
        "messaging.system": "kafka",
        "messaging.source.kind": "topic",
        "messaging.source.name": "orders",
        "messaging.kafka.source.partition": 3,
        "messaging.kafka.message.offset": 7,
        "messaging.kafka.consumer.group": "billing",
    }
    for operation in ("receive", "process"):
        columns, _ = promote(record | {"messaging.operation": operation}, CONSUMER)
        assert columns == {
            "messaging_system": "kafka",
            "messaging_destination": "orders",
            "messaging_partition": 3,
            "messaging_offset": 7,
            "messaging_group": "billing",
            "messaging_operation": operation,
        }
