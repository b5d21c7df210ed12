"""A publisher with faults, on a real broker."""

from contextvars import ContextVar

import pytest

from laban_samples.errors import PublishFailed, UndecodableEvent
from laban_samples.events import ORDERS, PaymentCaptured, decode
from laban_samples.fault_state import FaultState
from laban_samples.faults import parse_faults
from laban_samples.messaging.cluster import Cluster
from laban_samples.messaging.publisher import Headers, Publisher
from laban_samples.messaging.unreliable import UnreliablePublisher

from ..kafka_reading import fresh_cluster, read_all


def publish(cluster: Cluster, faults: str, count: int) -> None:
    """Publish so many events of one order: one key, so their order can be seen."""
    publisher = UnreliablePublisher(cluster, "test", FaultState(parse_faults(faults)))
    for number in range(count):
        publisher.publish(ORDERS, PaymentCaptured(order_id="1001", customer_id="c-1", amount_cents=number))
    publisher.close()


def published(cluster: Cluster) -> list[int | None]:
    """The amounts of the events that are in the topic; None for what is no event."""
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
def test_events_are_published_as_the_faults_say(
    embedded_broker: str, faults: str, expected: list[int | None]
) -> None:
    cluster = fresh_cluster(embedded_broker)
    publish(cluster, faults, 3)
    assert published(cluster) == expected


def test_an_event_that_is_held_back_is_published_in_the_context_of_its_own_work(
    embedded_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = ContextVar("work", default="none")
    contexts: list[str] = []
    send = Publisher.send

    def noted(
        self: Publisher, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> None:
        contexts.append(work.get())
        send(self, topic, key, value, headers)

    monkeypatch.setattr(Publisher, "send", noted)
    publisher = UnreliablePublisher(
        fresh_cluster(embedded_broker), "test", FaultState(parse_faults("out-of-order"))
    )
    for name in ("first", "second"):
        work.set(name)
        publisher.publish(ORDERS, PaymentCaptured(order_id="1001", customer_id="c-1", amount_cents=1))
    publisher.close()
    assert contexts == ["second", "first"]


def test_a_topic_that_takes_nothing_is_an_error_that_names_it(embedded_broker: str) -> None:
    cluster = fresh_cluster(embedded_broker)
    publisher = Publisher(cluster, "test")
    with pytest.raises(PublishFailed, match=cluster.topic(ORDERS)):
        publisher.send(ORDERS, b"1001", b"x" * 2_000_000)
    publisher.close()
