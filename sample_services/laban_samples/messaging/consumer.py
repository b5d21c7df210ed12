"""Consumes events: handles each one once, retries with backoff, then publishes it to a dead-letter topic.

A failed attempt ends the handling of the record: the consumer seeks back and gets the record again. So every
attempt is a delivery of its own, also in the trace.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, RebalanceInProgressError

from laban_samples.errors import UndecodableEvent
from laban_samples.faults.active_faults import ActiveFaults
from laban_samples.faults.parsing import FaultName
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.dead_letters import DeadLetterPublisher, Record
from laban_samples.messaging.events import Event, decode
from laban_samples.messaging.idempotency import SeenEvents

ATTEMPTS = 3
BACKOFF_S = 0.1
IDLE_MS = 300
"""The time that the iteration waits for a record before it checks whether to stop."""

log = logging.getLogger(__name__)
Handler = Callable[[Event], None]


class EventConsumer:
    """A consumer in a consumer group, with its own thread.

    Args:
        cluster: the Kafka cluster.
        group: the consumer group and the name of the service.
        topics: the topics to consume, without prefix.
        handle: called with each event, once unless it raises.
        dead_letters: publishes the records that cannot be handled.
        faults: the active faults of the service.
        on_failure: called if the consumer ends with an unexpected error.
    """

    def __init__(
        self,
        cluster: KafkaCluster,
        group: str,
        topics: Sequence[str],
        handle: Handler,
        dead_letters: DeadLetterPublisher,
        faults: ActiveFaults,
        on_failure: Callable[[], None],
    ) -> None:
        self.group = group
        self.joined = threading.Event()
        self._handle = handle
        self._dead_letters = dead_letters
        self._faults = faults
        self._on_failure = on_failure
        self._seen = SeenEvents()
        self._failures: dict[str, int] = {}
        self._stopping = threading.Event()
        self._consumer = KafkaConsumer(
            **cluster.client_options,
            client_id=group,
            group_id=cluster.group(group),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            # The shortest timeout that brokers accept by default: a dead consumer is detected in seconds.
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_000,
            consumer_timeout_ms=IDLE_MS,
        )
        listener = _AssignmentListener(self._consumer, faults)
        self._assignment = listener
        self._consumer.subscribe([cluster.topic(topic) for topic in topics], listener=listener)
        self._thread = threading.Thread(target=self._run, name=f"consumer-{group}", daemon=True)

    def start(self) -> None:
        """Start to consume; `joined` is set when the consumer has partitions."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the current record, commit, and leave the group."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._follow_assignment()
                for record in self._consumer:
                    if self._process(record):
                        self._commit()
                    if self._stopping.is_set() or self._faults.has(FaultName.STOP_CONSUMER):
                        break
            self._consumer.close(timeout_ms=2_000)
        except Exception:
            # A service must not stop consuming silently, whatever the error is.
            log.exception("the consumer of group %s failed", self.group)
            self._on_failure()

    def _follow_assignment(self) -> None:
        """Pause or resume according to the fault; commit the start offset of each new partition.

        The commit makes the lag visible before the group has consumed anything.
        """
        partitions = self._consumer.assignment()
        stopped = self._faults.has(FaultName.STOP_CONSUMER)
        if stopped and partitions:
            self._consumer.pause(*partitions)
        elif paused := self._consumer.paused():
            self._consumer.resume(*paused)
        if partitions and self._assignment.was_changed():
            for partition in partitions:
                self._consumer.position(partition, timeout_ms=5_000)
            self._commit()
            self.joined.set()

    def _commit(self) -> None:
        try:
            self._consumer.commit(timeout_ms=5_000)
        except (CommitFailedError, RebalanceInProgressError) as error:
            # The partitions were reassigned. Their new owner gets the records again and skips duplicates.
            log.warning("group %s could not commit: %r", self.group, error)

    def _process(self, record: Record) -> bool:
        """Process a record; return whether it is done, and not to be delivered again."""
        try:
            event = decode(record.value)
        except UndecodableEvent as error:
            log.error("%s[%s]@%s is not an event: %s", record.topic, record.partition, record.offset, error)  # noqa: TRY400 - the traceback adds nothing
            self._dead_letters.add(record, error, attempts=1)
            return True
        if event.event_id in self._seen:
            log.info("order %s: %s is a duplicate", event.order_id, event.type)
            return True
        if not self._attempt(record, event):
            return False
        self._seen.add(event.event_id)
        return True

    def _attempt(self, record: Record, event: Event) -> bool:
        """Handle an event, or dead-letter it after the last attempt; return whether it is done."""
        attempt = self._failures.get(event.event_id, 0) + 1
        try:
            self._faults.apply()
            self._handle(event)
        except Exception as error:
            # Any error: the consumer must continue with the next record.
            log.exception(
                "order %s: attempt %s of %s at %s failed", event.order_id, attempt, ATTEMPTS, event.type
            )
            if attempt < ATTEMPTS:
                self._failures[event.event_id] = attempt
                self._consumer.seek(TopicPartition(record.topic, record.partition), record.offset)
                self._stopping.wait(BACKOFF_S * 2 ** (attempt - 1))
                return False
            self._dead_letters.add(record, error, attempts=ATTEMPTS)
        self._failures.pop(event.event_id, None)
        return True


class _AssignmentListener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    """Records assignments; called in the consumer's loop, so it must not block."""

    def __init__(self, consumer: KafkaConsumer, faults: ActiveFaults) -> None:
        self._consumer = consumer
        self._faults = faults
        self._changed = False

    def was_changed(self) -> bool:
        """Return whether partitions were assigned since the last call."""
        changed, self._changed = self._changed, False
        return changed

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Record the assignment; with the fault stop-consumer, pause before the first record."""
        self._changed = True
        if self._faults.has(FaultName.STOP_CONSUMER):
            self._consumer.pause(*assigned)

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Do nothing: each record is committed after it is handled."""
