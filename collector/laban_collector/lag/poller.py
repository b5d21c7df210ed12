"""The lag poller: a thread that reads the offsets of all consumer groups from Kafka.

It only sends requests that any broker answers to any client: groups, committed offsets and log ends. It does
not describe groups (members, assignments), so a group without any commit is invisible. In topics where a
group has committed, its partitions without a commit are visible.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError
from kafka.protocol.consumer.offsets import OffsetSpec

from laban_collector.errors import StoreError
from laban_collector.lag.evaluation import LagTracker, Log, Offsets, Partition
from laban_collector.store.rows import Lag, LagProblem

_log = logging.getLogger(__name__)

TIMEOUT: Final = 5.0
"""Seconds per request; also the longest time that `stop` waits."""

LONGEST_PAUSE: Final = 60.0
"""Maximum seconds between two attempts while the brokers are unreachable."""

# The protocol types of consumer groups (and Kafka Streams); '' for a group that only commits.
_CONSUMER_PROTOCOLS: Final = ("consumer", "")


class Admin(KafkaAdminClient):  # type: ignore[misc]  # kafka-python ships no types
    """An admin client that leaves no thread running if it cannot reach the brokers."""

    _closed = False

    def __init__(self, bootstrap: str) -> None:
        milliseconds = round(TIMEOUT * 1000)
        try:
            super().__init__(
                bootstrap_servers=bootstrap.split(","),
                client_id="laban-lag",
                request_timeout_ms=milliseconds,
                bootstrap_timeout_ms=milliseconds,
            )
        except KafkaError:
            self.close()
            raise


class LagPoller:
    """Polls periodically in its own thread, until it is stopped.

    If the brokers become unreachable, it logs this once and retries at increasing intervals.

    Args:
        bootstrap: brokers (HOST:PORT), separated by commas.
        interval: seconds between two polls.
        write: stores the lag.
    """

    def __init__(self, bootstrap: str, interval: float, write: Callable[[Sequence[Lag | LagProblem]], None]) -> None:
        self._bootstrap = bootstrap
        self._interval = interval
        self._write = write
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="laban-lag")
        self._admin: Admin | None = None
        self._tracker: LagTracker | None = None
        self._failures = 0

    def start(self) -> None:
        """Start to poll immediately. The brokers may still be unreachable."""
        # kafka-python logs every attempt to reconnect, ten lines per second. Unless its log level is
        # configured, the poller's own line per outage replaces them.
        library = logging.getLogger("kafka")
        if library.level == logging.NOTSET:
            library.setLevel(logging.CRITICAL)
        self._thread.start()

    def stop(self) -> None:
        """Stop polling; returns when the thread has ended, after a few seconds at most."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            began = time.monotonic()
            try:
                reached = self._poll()
            except Exception:  # noqa: BLE001 - logged; one unexpected response must not end the polling
                _log.exception("Polling the consumer lag failed. Polling continues.")
                reached = True
            pause = max(0.0, began + self._interval - time.monotonic()) if reached else self._back_off()
        self._disconnect()

    def _poll(self) -> bool:
        """Poll once; returns False if the brokers do not respond."""
        try:
            if self._admin is None:
                self._admin = Admin(self._bootstrap)
            if self._tracker is None:
                self._tracker = LagTracker(_cluster_id(self._admin) or self._bootstrap)
            offsets = fetch_offsets(self._admin)
        except (KafkaError, OSError) as error:
            self._outage(error)
            return False
        self._recovered()
        try:
            self._write(self._tracker.observe(time.time_ns(), offsets))
        except StoreError:
            _log.exception("The consumer lag of this poll could not be stored.")
        return True

    def _outage(self, error: Exception) -> None:
        self._failures += 1
        self._disconnect()
        if self._failures == 1:
            _log.warning(
                "Kafka at %s does not respond: %s. Consumer lag is unknown until it does. Polling continues.",
                self._bootstrap,
                error,
            )

    def _recovered(self) -> None:
        if self._failures:
            _log.info("Kafka at %s responds again after %d attempts.", self._bootstrap, self._failures)
        self._failures = 0

    def _back_off(self) -> float:
        """Return the seconds until the next attempt."""
        longest = max(LONGEST_PAUSE, self._interval)
        return min(self._interval * float(1 << min(self._failures - 1, 10)), longest)

    def _disconnect(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None


def fetch_offsets(admin: KafkaAdminClient) -> Offsets:
    """Fetch the offsets of all groups and all topics.

    All topics, because lag in seconds needs the history of the log from before a group fell behind.

    Raises:
        KafkaError: a broker did not respond, or refused the request.
    """
    groups = [
        group["group_id"] for group in admin.list_groups() if group["protocol_type"] in _CONSUMER_PROTOCOLS
    ]
    committed = _committed(admin, groups)
    logs = _logs(admin)
    return Offsets(logs, {group: _fill(offsets, logs) for group, offsets in committed.items()})


def _committed(admin: KafkaAdminClient, groups: Sequence[str]) -> dict[str, dict[Partition, int | None]]:
    if not groups:
        return {}
    return {
        group: {
            # Kafka returns -1 if nothing is committed.
            Partition(*partition): found.offset if found.offset >= 0 else None
            for partition, found in offsets.items()
        }
        for group, offsets in admin.list_group_offsets(list(groups)).items()
    }


def _logs(admin: KafkaAdminClient) -> dict[Partition, Log]:
    """Return the logs of all partitions with a leader, without those of internal topics."""
    topics: list[dict[str, Any]] = admin.describe_topics()
    partitions = [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in topics
        if topic["error_code"] == 0 and not topic["is_internal"]
        for partition in topic["partitions"]
        if partition["leader_id"] >= 0
    ]
    if not partitions:
        return {}
    starts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    return {
        Partition(*partition): Log(starts[partition].offset, ends[partition].offset)
        for partition in partitions
    }


def _fill(offsets: dict[Partition, int | None], logs: dict[Partition, Log]) -> dict[Partition, int | None]:
    """Add the partitions of a group's topics in which it has not committed."""
    topics = {partition.topic for partition in offsets}
    return {partition: offsets.get(partition) for partition in logs if partition.topic in topics}


def _cluster_id(admin: KafkaAdminClient) -> str | None:
    cluster: str | None = admin.describe_cluster()["cluster_id"]
    return cluster
