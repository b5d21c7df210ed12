"""A publisher with faults on a real broker."""

from contextvars import ContextVar

import pytest

from laban_samples.errors import PublishFailed, UndecodableEvent
from laban_samples.faults.active_faults import ActiveFaults
from laban_samples.faults.parsing import parse_faults
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.events import ORDERS, PaymentCaptured, decode
from laban_samples.messaging.faulty_publisher import FaultyPublisher
from laban_samples.messaging.publisher import Headers, Publisher
from tests.sample_services.topic_reader import fresh_cluster, read_all


def publish(cluster: KafkaCluster, faults: str, count: int) -> None:
    """Publish events of one order; the common key keeps their order."""
    publisher = FaultyPublisher(cluster, "test", ActiveFaults(parse_faults(faults)))
    for number in range(count):
        publisher.publish(ORDERS, PaymentCaptured(order_id="1001", customer_id="c-1", amount_cents=number))
    publisher.close()


def published(cluster: KafkaCluster) -> list[int | None]:
    """Return the amounts of the events in the topic; None for undecodable records."""
    amounts: list[int | None] = []
    for record in read_all(cluster, ORDERS):
        try:
            event = decode(record.value)
        except UndecodableEvent:
            amounts.append(None)
        else:
            assert isinstance(event, PaymentCaptured)
            amounts.append(event.amount_cents)
    return amounts


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ("", [0, 1, 2]),
        ("poison=2", [None, 0, None, 1, 2]),
        ("duplicate=1", [0, 0, 1, 1, 2, 2]),
        ("out-of-order", [1, 0, 2]),
    ],
)
def test_events_are_published_according_to_the_faults(
    embedded_broker: str, faults: str, expected: list[int | None]
) -> None:
    cluster = fresh_cluster(embedded_broker)
    publish(cluster, faults, 3)
    assert published(cluster) == expected


def test_a_held_event_is_published_in_its_original_context(
    embedded_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = ContextVar("work", default="none")
    contexts: list[str] = []
    send = Publisher.send

    def recorded(
        self: Publisher, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> None:
        contexts.append(work.get())
        send(self, topic, key, value, headers)

    monkeypatch.setattr(Publisher, "send", recorded)
    publisher = FaultyPublisher(
        fresh_cluster(embedded_broker), "test", ActiveFaults(parse_faults("out-of-order"))
    )
    for name in ("first", "second"):
        work.set(name)
        publisher.publish(ORDERS, PaymentCaptured(order_id="1001", customer_id="c-1", amount_cents=1))
    publisher.close()
    assert contexts == ["second", "first"]


def test_a_publish_failure_names_the_topic(embedded_broker: str) -> None:
    cluster = fresh_cluster(embedded_broker)
    publisher = Publisher(cluster, "test")
    with pytest.raises(PublishFailed, match=cluster.topic(ORDERS)):
        publisher.send(ORDERS, b"1001", b"x" * 2_000_000)
    publisher.close()
