"""Topics and consumer groups, from what each broker's instrumentations call its destinations.

A producer and its consumers meet only if both sides give the same topic:

- RabbitMQ: the topic is the exchange; for the default exchange, the routing key, which is the queue. On the
  consumer's side, a queue that differs from the topic is the group. The current conventions join the names
  (`EXCHANGE:KEY:QUEUE`).
- AWS: the name at the end of an ARN or of the URL of a queue.
- Google Pub/Sub: the ID at the end of a path. Consumers name their subscription, which is the group.
- Azure: `TOPIC/Subscriptions/SUBSCRIPTION` and `HUB/ConsumerGroups/GROUP` name both.
- Pulsar: the topic without its partition.
- Names made for one client (`amq.gen-…`, `_INBOX.…`) are unbounded: their template, or one word for all.

Sources: the pages of each broker in the semantic conventions 1.44, and 1.0 to 1.24 for older names.
"""

import re
from typing import Final, NamedTuple

from laban.vocabulary import CONSUMER, PRODUCER
from laban_collector.decode.dialects.operations import consumes

TEMPORARY: Final = "(temporary)"
"""The topic of all destinations that were made for one client; the word of the conventions for span names."""
MADE_NAMES: Final = r"amq\.gen-|amq\.rabbitmq\.reply-to|spring\.gen-|_INBOX\.|temp-queue://|temp-topic://"
"""How names that brokers and libraries make begin. For RE2, too."""
UNUSUAL: Final = r"^amq\.|^spring\.gen-|^_INBOX\.|^temp-|^[<(]"
"""What `name` may change. For RE2, too."""
COMPOUND: Final = r"[:,]|/(?i:subscriptions|consumergroups)/|^projects/|-partition-[0-9]+$|^\(temporary\)$"
"""A destination that `resolve` may change even if nothing else is known. For RE2, too."""

_KAFKA: Final = "kafka"
_RABBITMQ: Final = "rabbitmq"
_PUBSUB: Final = "gcp_pubsub"
_PULSAR: Final = "pulsar"
SUBSCRIBED: Final = f"^{_PUBSUB}$"
"""The messaging systems whose consumers name their subscription as the destination. For RE2, too."""

_DEFAULT_EXCHANGES: Final = frozenset(("", "amq.default", "<default>", "(default)"))
_TEMPORARY_NAME: Final = re.compile(rf"(?:{MADE_NAMES}).*|\((?:temporary|anonymous)\)", re.DOTALL)
_COMPOUND: Final = re.compile(COMPOUND)
_ARN: Final = re.compile(r"arn:[^:]+:(?P<service>[^:]+):[^:]*:[^:]*:(?P<resource>.+)")
_QUEUE_URL: Final = re.compile(r"https?://[^/]+/[0-9]{12}/([^/]+)")
_PUBSUB_PATH: Final = re.compile(r"projects/[^/]+/(topics|subscriptions)/(.+)")
_AZURE_PATH: Final = re.compile(r"(.+?)/(?:subscriptions|consumergroups)/([^/]+)(?:/.*)?", re.IGNORECASE)
_IS_ADDRESS: Final = re.compile("[:/]")
_PARTITIONED: Final = re.compile(r"(.+)-partition-[0-9]+")
_CONSUMER_ID: Final = " - "


class Sent(NamedTuple):
    """What a span says about its destination; None for nothing.

    Attributes:
        kind: the OTLP SpanKind.
        system: the messaging system, by its current name.
        operation: as sent.
        destination: its name, as `name` returns it.
        group: the consumer group.
        others: as in `laban.vocabulary.CONSULTED`.
    """

    kind: int
    system: str | None = None
    operation: str | None = None
    destination: str | None = None
    group: str | None = None
    routing_key: str | None = None
    queue: str | None = None
    subscription: str | None = None
    published_to: str | None = None
    resource: str | None = None
    template: str | None = None
    anonymous: str | None = None
    consumer_id: str | None = None
    client_id: str | None = None


class Place(NamedTuple):
    """Where a message goes to or comes from; None if it is unknown."""

    topic: str | None
    group: str | None


def name(sent: str) -> str | None:
    """Return the name of a destination; None for the default exchange, which is no name."""
    if sent in _DEFAULT_EXCHANGES:
        return None
    return TEMPORARY if _TEMPORARY_NAME.fullmatch(sent) else sent


def is_notable(system: str | None, destination: str | None) -> bool:
    """Whether `resolve` may change the destination or the group even if nothing else is known."""
    return system == _PUBSUB or (destination is not None and _COMPOUND.search(destination) is not None)


def resolve(sent: Sent) -> Place:
    """Return the topic and the consumer group of a span."""
    consuming = consumes(sent.operation, sent.kind)
    place = _named(sent, consuming=consuming)
    if place.topic is None:
        place = Place(_fallback(sent), None)
    if sent.anonymous or place.topic == TEMPORARY:
        place = Place(sent.template or TEMPORARY, place.group)
    if not consuming:
        return Place(place.topic, sent.group)
    published = name(sent.published_to or "")
    if published is not None and published not in (place.topic, TEMPORARY):
        place = Place(published, place.group or place.topic)
    queue = name(sent.queue or "")
    return Place(place.topic, sent.group or place.group or _other(queue, place.topic) or _kafka_group(sent))


def _named(sent: Sent, *, consuming: bool) -> Place:
    """Return the topic and the group that the name of the destination contains."""
    if sent.destination is None:
        return Place(None, None)
    if sent.system == _RABBITMQ:
        return _of_rabbitmq(sent.destination, sent.routing_key, consuming=consuming)
    short = _short_name(sent.destination)
    if path := _PUBSUB_PATH.fullmatch(short):
        return Place(path[2], path[2] if path[1] == "subscriptions" else None)
    if path := _AZURE_PATH.fullmatch(short):
        return Place(path[1], path[2])
    if sent.system == _PULSAR and (path := _PARTITIONED.fullmatch(short)):
        return Place(path[1], None)
    return Place(short, short if sent.system == _PUBSUB else None)


def _of_rabbitmq(destination: str, key: str | None, *, consuming: bool) -> Place:
    """Return exchange and queue of `EXCHANGE:KEY`, `EXCHANGE:KEY:QUEUE` or `EXCHANGE:QUEUE`.

    Names may contain colons, too (MassTransit's do), so only the key shows where the exchange ends. Without a
    key, the consumer's queue is the last part, and the rest is what the producer names. aio-pika's
    instrumentation writes `EXCHANGE,KEY` on the producer's side only.
    """
    if key is None:
        if consuming:
            rest, _, queue = destination.rpartition(":")
            return Place(rest, queue) if rest and queue else Place(destination, None)
        exchange, _, after = destination.partition(",")
        return Place(exchange or after or destination, None)
    exchange, _, queue = destination.partition(f":{key}:")
    if not queue and destination.endswith(f":{key}"):
        exchange, queue = destination.removesuffix(f":{key}"), key
    if not exchange or not queue:
        return Place(destination, None)
    return Place(exchange, queue if consuming else None)


def _fallback(sent: Sent) -> str | None:
    """Return what stands for a destination without a name."""
    resource = None if sent.resource is None else _short_name(sent.resource)
    is_message = sent.system is not None or sent.kind in (PRODUCER, CONSUMER)
    return (
        name(sent.routing_key or "")
        or name(sent.queue or "")
        or sent.subscription
        or (resource if is_message and resource and not _IS_ADDRESS.search(resource) else None)
        or sent.template
    )


def _short_name(sent: str) -> str:
    """Return the name at the end of an ARN or of the URL of a queue; others as sent."""
    if arn := _ARN.fullmatch(sent):
        last = arn["resource"].rpartition("/")[2]
        # The ARN of a subscription to a topic ends with the subscription's ID.
        return last.partition(":")[0] if arn["service"] == "sns" else last
    url = _QUEUE_URL.fullmatch(sent)
    return sent if url is None else url[1]


def _kafka_group(sent: Sent) -> str | None:
    """Return the group in Kafka's `messaging.consumer.id`: `GROUP - CLIENT`, or the group alone."""
    if sent.system != _KAFKA or not sent.consumer_id:
        return None
    if sent.client_id and sent.consumer_id.endswith(_CONSUMER_ID + sent.client_id):
        return sent.consumer_id.removesuffix(_CONSUMER_ID + sent.client_id) or None
    group, separator, client = sent.consumer_id.partition(_CONSUMER_ID)
    # With several separators, only the client's ID would show where the group ends.
    return None if separator and _CONSUMER_ID in client else group or None


def _other(queue: str | None, topic: str | None) -> str | None:
    return None if queue in (topic, TEMPORARY) else queue
