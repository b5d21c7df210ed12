"""Consumes events: each one handled once, retried with back-off, and set aside when that does not help."""

import logging
import threading
from collections.abc import Callable, Sequence

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, RebalanceInProgressError
from tenacity import Retrying, stop_after_attempt, wait_exponential
from tenacity.nap import sleep_using_event

from laban_samples.errors import UndecodableEvent
from laban_samples.events import Event, decode
from laban_samples.fault_state import FaultState
from laban_samples.faults import FaultName
from laban_samples.messaging.cluster import Cluster
from laban_samples.messaging.dead_letter import DeadLetters, Record
from laban_samples.messaging.idempotency import SeenEvents

ATTEMPTS = 3
BACK_OFF_S = 0.1
IDLE_MS = 300
"""How long the iteration waits for a record before it looks whether it is to stop."""

log = logging.getLogger(__name__)
Handler = Callable[[Event], None]


class EventConsumer:
    """One consumer of one group, in a thread of its own.

    Args:
        cluster: where to consume.
        group: the consumer group, and the name of the service.
        topics: what to consume, without prefix.
        handle: called with each event, once unless it raises.
        dead_letters: take what could not be handled.
        faults: what is wrong with the service.
        on_failure: called when the consumer ends by an error that it cannot handle.
    """

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        topics: Sequence[str],
        handle: Handler,
        dead_letters: DeadLetters,
        faults: FaultState,
        on_failure: Callable[[], None],
    ) -> None:
        self.group = group
        self.joined = threading.Event()
        self._handle = handle
        self._dead_letters = dead_letters
        self._faults = faults
        self._on_failure = on_failure
        self._seen = SeenEvents()
        self._stopping = threading.Event()
        self._consumer = KafkaConsumer(
            bootstrap_servers=cluster.bootstrap,
            client_id=group,
            group_id=cluster.group(group),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            # The shortest that a broker accepts by default: a group forms, and notices a death, in seconds.
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_000,
            consumer_timeout_ms=IDLE_MS,
        )
        listener = _Assignment(self._consumer, faults)
        self._assignment = listener
        self._consumer.subscribe([cluster.topic(topic) for topic in topics], listener=listener)
        self._thread = threading.Thread(target=self._run, name=f"consumer-{group}", daemon=True)

    def start(self) -> None:
        """Start to consume; `joined` is set once the group has given it partitions."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the record at hand, commit, leave the group."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._follow_assignment()
                for record in self._consumer:
                    self._process(record)
                    self._commit()
                    if self._stopping.is_set() or self._faults.has(FaultName.STOP_CONSUMER):
                        break
            self._consumer.close(timeout_ms=2_000)
        except Exception:
            # Whatever it is, a service that silently stopped consuming is the worst that can happen.
            log.exception("the consumer of group %s failed", self.group)
            self._on_failure()

    def _follow_assignment(self) -> None:
        """Pause or resume as the fault says; commit where each new partition starts.

        The latter makes the lag of a group visible that has not consumed anything yet.
        """
        partitions = self._consumer.assignment()
        stopped = self._faults.has(FaultName.STOP_CONSUMER)
        if stopped and partitions:
            self._consumer.pause(*partitions)
        elif paused := self._consumer.paused():
            self._consumer.resume(*paused)
        if partitions and self._assignment.take_news():
            for partition in partitions:
                self._consumer.position(partition, timeout_ms=5_000)
            self._commit()
            self.joined.set()

    def _commit(self) -> None:
        try:
            self._consumer.commit(timeout_ms=5_000)
        except (CommitFailedError, RebalanceInProgressError) as error:
            # The partitions moved: whoever has them now gets the records again, and knows what it has seen.
            log.warning("group %s could not commit: %r", self.group, error)

    def _process(self, record: Record) -> None:
        try:
            event = decode(record.value)
        except UndecodableEvent as error:
            log.error("%s[%s]@%s is no event: %s", record.topic, record.partition, record.offset, error)  # noqa: TRY400 - the message says it all
            self._dead_letters.add(record, error, attempts=1)
            return
        if event.event_id in self._seen:
            log.info("order %s: %s was handled before", event.order_id, event.type)
            return
        self._handle_or_set_aside(record, event)
        self._seen.add(event.event_id)

    def _handle_or_set_aside(self, record: Record, event: Event) -> None:
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=BACK_OFF_S, max=2),
            sleep=sleep_using_event(self._stopping),
            reraise=True,
        )
        try:
            retrying(self._attempt, event)
        except Exception as error:
            # Whatever failed: the next record must have its turn.
            log.exception("order %s: %s was given up after %s attempts", event.order_id, event.type, ATTEMPTS)
            self._dead_letters.add(record, error, attempts=ATTEMPTS)

    def _attempt(self, event: Event) -> None:
        self._faults.strike()
        self._handle(event)


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    """Notes that partitions were given; called in the consumer's own loop, so it must not block."""

    def __init__(self, consumer: KafkaConsumer, faults: FaultState) -> None:
        self._consumer = consumer
        self._faults = faults
        self._news = False

    def take_news(self) -> bool:
        """Whether partitions were given since the last call."""
        news, self._news = self._news, False
        return news

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Note it; a consumer that is to stand still pauses before its first record."""
        self._news = True
        if self._faults.has(FaultName.STOP_CONSUMER):
            self._consumer.pause(*assigned)

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Nothing to do: each record was committed when it was done."""
