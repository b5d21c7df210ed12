"""The lag poller: a thread that reads the offsets of all consumer groups of a Kafka cluster.

It only sends requests that any broker answers to any client. A group without any commit is invisible. In
topics where a group has committed, its partitions without a commit are visible.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from kafka.errors import KafkaError

from laban_collector.errors import ClusterError, KafkaLoginFailed, KafkaUnreachable, StoreError
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.brokers import Brokers
from laban_collector.lag.evaluation import LagTracker, Offsets
from laban_collector.lag.filters import Filters
from laban_collector.lag.outages import explain
from laban_collector.lag.problems import ProblemLog
from laban_collector.lag.reader import OffsetReader
from laban_collector.lag.security import client_options
from laban_collector.store.rows import Lag, LagRow

_log = logging.getLogger(__name__)

LONGEST_PAUSE: Final = 60.0
"""Maximum seconds between two attempts at brokers that are unreachable or refuse the login."""


class LagPoller:
    """Polls one cluster periodically in its own thread, until it is stopped.

    If the brokers become unreachable, it logs this once and retries at increasing intervals. If they refuse
    the login, it retries once a minute, so that the user is not locked out.

    Args:
        cluster: the brokers, their security, and the groups and topics to read.
        interval: seconds between two polls.
        write: stores the lag.
        name: the name of the cluster in the settings; the rows have it. '' for the ID that Kafka gave it.
        history: returns the stored lag of the last hour, from which the usual commit intervals are known.
    """

    def __init__(
        self,
        cluster: KafkaCluster,
        interval: float,
        write: Callable[[Sequence[LagRow]], None],
        name: str = "",
        history: Callable[[], Sequence[Lag]] = lambda: (),
    ) -> None:
        self._cluster = cluster
        self._interval = interval
        self._write = write
        self._name = name
        self._history = history
        self._called = f"Kafka {name} at {cluster.bootstrap}" if name else f"Kafka at {cluster.bootstrap}"
        self._filters = Filters.of(cluster)
        self._problems = ProblemLog(self._called)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"laban-lag-{name}" if name else "laban-lag")
        self._brokers: Brokers | None = None
        self._reader: OffsetReader | None = None
        self._tracker: LagTracker | None = None
        self._failure: type[Exception] | None = None
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
        """Stop polling; returns when the thread has ended, which does not wait for the brokers."""
        self._stopping.set()
        if brokers := self._brokers:
            brokers.close()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            began = time.monotonic()
            try:
                reached = self._poll()
            except Exception:  # noqa: BLE001 - logged; one unexpected response must not end the polling
                _log.exception("Polling the consumer lag of %s failed. Polling continues.", self._called)
                reached = True
            pause = max(0.0, began + self._interval - time.monotonic()) if reached else self._back_off()
        self._disconnect()

    def _poll(self) -> bool:
        """Poll once; returns False if the cluster cannot be read."""
        try:
            offsets = self._connected().read()
        except (ClusterError, KafkaError, OSError) as error:
            self._outage(error)
            return False
        self._recovered()
        self._problems.update(offsets.problems)
        self._store(offsets)
        return True

    def _connected(self) -> OffsetReader:
        if self._reader is None:
            self._brokers = brokers = Brokers(client_options(self._cluster))
            if self._stopping.is_set():  # `stop` may have looked for it before it was there
                raise KafkaUnreachable("The poller is stopping.")
            brokers.connect()
            self._reader = OffsetReader(brokers, self._filters, message_times=self._cluster.message_times)
        return self._reader

    def _store(self, offsets: Offsets) -> None:
        if self._tracker is None:
            found = self._reader.cluster_id if self._reader else None
            self._tracker = LagTracker(self._name or found or self._cluster.bootstrap)
            self._prime(self._tracker)
        try:
            self._write(self._tracker.observe(time.time_ns(), offsets))
        except StoreError:
            _log.exception("The consumer lag of this poll could not be stored.")

    def _prime(self, tracker: LagTracker) -> None:
        try:
            tracker.prime(self._history())
        except StoreError as error:
            _log.warning("The stored lag could not be read, so statuses begin anew: %s", error)

    def _outage(self, error: Exception) -> None:
        self._failures += 1
        self._disconnect()
        if self._failure is not type(error) and not self._stopping.is_set():
            _log.warning("%s %s", self._called, explain(error, self._cluster, self._name))
        self._failure = type(error)

    def _recovered(self) -> None:
        if self._failures:
            _log.info("%s responds again after %d attempts.", self._called, self._failures)
        self._failures, self._failure = 0, None

    def _back_off(self) -> float:
        """Return the seconds until the next attempt."""
        longest = max(LONGEST_PAUSE, self._interval)
        if self._failure is KafkaLoginFailed:
            return longest
        return min(self._interval * float(1 << min(self._failures - 1, 10)), longest)

    def _disconnect(self) -> None:
        if self._brokers is not None:
            self._brokers.close()
        self._brokers = self._reader = None
