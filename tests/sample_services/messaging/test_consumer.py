"""A consumer on a real broker: idempotency, retries, dead letters, and the fault stop-consumer."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from laban_samples.demo.consumer_catch_up import messages_left, wait_until_caught_up
from laban_samples.faults.active_faults import ActiveFaults
from laban_samples.faults.parsing import Fault, FaultName
from laban_samples.messaging import dead_letters
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.consumer import ATTEMPTS, EventConsumer
from laban_samples.messaging.dead_letters import DeadLetterPublisher, Record
from laban_samples.messaging.events import ORDERS, Event, PaymentCaptured, encode
from laban_samples.messaging.publisher import Publisher
from laban_samples.processes.supervisor import ProcessSupervisor
from tests.sample_services.topic_reader import fresh_cluster, read_all

TIMEOUT_S = 30
GROUP = "inventory"


@dataclass
class Handled:
    """A handler that records its events and fails the first n times for an order."""

    failures: dict[str, int] = field(default_factory=dict[str, int])
    attempts: list[str] = field(default_factory=list[str])
    last_id: str = "last"
    got_last: threading.Event = field(default_factory=threading.Event)

    def __call__(self, event: Event) -> None:
        self.attempts.append(event.order_id)
        if self.failures.get(event.order_id, 0) >= self.attempts.count(event.order_id):
            raise RuntimeError(f"cannot handle {event.order_id}")
        if event.order_id == self.last_id:
            self.got_last.set()


def event(order_id: str) -> PaymentCaptured:
    return PaymentCaptured(order_id=order_id, customer_id="c-1", amount_cents=100)


@contextmanager
def consuming(
    cluster: KafkaCluster, publisher: Publisher, handle: Callable[[Event], None], faults: ActiveFaults
) -> Generator[EventConsumer, None, None]:
    dead_letters = DeadLetterPublisher(publisher, cluster.group(GROUP), cluster.topic_prefix)
    failed = threading.Event()
    consumer = EventConsumer(cluster, GROUP, (ORDERS,), handle, dead_letters, faults, failed.set)
    consumer.start()
    yield consumer
    consumer.stop()
    assert not failed.is_set()


@dataclass
class Outcome:
    """The result of a run with all kinds of records."""

    handled: Handled
    dead: list[Record]
    consumed: list[Record]
    left: dict[tuple[str, str], int]
    prefix: str


@pytest.fixture(scope="module")
def outcome(embedded_broker: str) -> Outcome:
    cluster = fresh_cluster(embedded_broker)
    publisher = Publisher(cluster, "test")
    handled = Handled(failures={"flaky": ATTEMPTS - 1, "hopeless": ATTEMPTS})
    twice = event("twice")
    # All records have one key, and so one partition, which keeps their order.
    for value in (
        encode(twice),
        encode(twice),
        b"\xffnot an event",
        encode(event("flaky")),
        encode(event("hopeless")),
        encode(event("last")),
    ):
        publisher.send(ORDERS, b"key", value, [("x-origin", b"test")])
    with consuming(cluster, publisher, handled, ActiveFaults()):
        assert handled.got_last.wait(TIMEOUT_S)
    publisher.close()
    left = messages_left(cluster, [GROUP])
    dead = read_all(cluster, "orders.dlq")
    return Outcome(handled, dead, read_all(cluster, ORDERS), left, cluster.topic_prefix)


def test_a_duplicate_event_is_handled_once(outcome: Outcome) -> None:
    assert outcome.handled.attempts.count("twice") == 1


def test_an_event_is_retried_if_its_handler_fails(outcome: Outcome) -> None:
    assert outcome.handled.attempts.count("flaky") == ATTEMPTS
    assert not any(b"flaky" in (record.value or b"") for record in outcome.dead)


def test_an_event_that_always_fails_is_dead_lettered(outcome: Outcome) -> None:
    assert outcome.handled.attempts.count("hopeless") == ATTEMPTS
    assert outcome.handled.attempts[-1] == "last"
    headers = dict(outcome.dead[1].headers)
    assert headers[dead_letters.EXCEPTION_MESSAGE] == b"cannot handle hopeless"
    assert headers[dead_letters.EXCEPTION_TYPE] == b"builtins.RuntimeError"
    assert headers[dead_letters.DELIVERY_ATTEMPT] == str(ATTEMPTS).encode()


def test_an_undecodable_record_is_dead_lettered_without_retries(outcome: Outcome) -> None:
    headers = dict(outcome.dead[0].headers)
    assert outcome.dead[0].value == b"\xffnot an event"
    assert headers[dead_letters.EXCEPTION_TYPE].endswith(b"UndecodableEvent")
    assert headers[dead_letters.DELIVERY_ATTEMPT] == b"1"


def test_a_dead_letter_has_its_origin_and_its_original_headers(outcome: Outcome) -> None:
    assert len(outcome.dead) == 2
    for dead, original in zip(outcome.dead, (outcome.consumed[2], outcome.consumed[4]), strict=True):
        headers = dict(dead.headers)
        assert (dead.key, dead.value) == (original.key, original.value)
        assert headers["x-origin"] == b"test"
        assert headers[dead_letters.ORIGINAL_TOPIC].decode() == f"{outcome.prefix}orders"
        assert headers[dead_letters.ORIGINAL_GROUP].decode() == f"{outcome.prefix}inventory"
        assert int(headers[dead_letters.ORIGINAL_PARTITION]) == original.partition
        assert int(headers[dead_letters.ORIGINAL_OFFSET]) == original.offset
        assert int(headers[dead_letters.ORIGINAL_TIMESTAMP]) == original.timestamp


def test_handled_records_are_committed(outcome: Outcome) -> None:
    assert outcome.left == {}


def test_a_stopped_consumer_has_visible_lag_and_resumes(embedded_broker: str, tmp_path: Path) -> None:
    cluster = fresh_cluster(embedded_broker)
    publisher = Publisher(cluster, "test")
    publisher.publish(ORDERS, event("first"))
    publisher.publish(ORDERS, event("last"))
    handled = Handled()
    faults = ActiveFaults([Fault(FaultName.STOP_CONSUMER)])
    with consuming(cluster, publisher, handled, faults) as consumer:
        assert consumer.joined.wait(TIMEOUT_S)
        with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
            committed = admin.list_group_offsets(cluster.group(GROUP))[cluster.group(GROUP)]
            assert {partition.topic for partition in committed} == {cluster.topic(ORDERS)}
        assert messages_left(cluster, [GROUP]) == {(GROUP, ORDERS): 2}
        with ProcessSupervisor(tmp_path) as supervisor:
            assert not wait_until_caught_up(cluster, [GROUP], supervisor, timeout=0)
        assert handled.attempts == []
        faults.replace([])
        assert handled.got_last.wait(TIMEOUT_S)
    publisher.close()
