"""A publisher that applies the faults of its service."""

import logging
import threading
from contextvars import Context, copy_context
from dataclasses import dataclass

from laban_samples.faults.active_faults import ActiveFaults
from laban_samples.faults.parsing import FaultName
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.events import Event, encode
from laban_samples.messaging.publisher import Publisher

log = logging.getLogger(__name__)

MAX_HOLD_S = 0.5
"""The time that a held event waits for the next event before it is published alone."""


@dataclass(frozen=True, slots=True)
class _Held:
    topic: str
    event: Event
    context: Context
    """The context of the code that published the event, so that its trace stays correct."""


class FaultyPublisher(Publisher):
    """Publishes undecodable copies, duplicates, or events out of order while these faults are active."""

    def __init__(self, cluster: KafkaCluster, client_id: str, faults: ActiveFaults) -> None:
        super().__init__(cluster, client_id)
        self._faults = faults
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def publish(self, topic: str, event: Event) -> None:
        """Publish an event and apply the faults."""
        if self._faults.take_poison():
            encoded = encode(event)
            self.send(topic, event.order_id.encode(), encoded[: len(encoded) // 2])
        if self._faults.has(FaultName.OUT_OF_ORDER) and self._hold(topic, event):
            return
        super().publish(topic, event)
        if self._faults.should_duplicate():
            super().publish(topic, event)
        self._release()

    def close(self) -> None:
        """Publish the held event, flush, and close the connections."""
        self._release()
        super().close()

    def _hold(self, topic: str, event: Event) -> bool:
        """Hold the event unless another one is held already; return whether it is held."""
        with self._lock:
            if self._held is not None:
                return False
            self._held = held = _Held(topic, event, copy_context())
        log.info("order %s: %s is held", event.order_id, event.type)
        timer = threading.Timer(MAX_HOLD_S, self._release, (held,))
        timer.daemon = True
        timer.start()
        return True

    def _release(self, only: _Held | None = None) -> None:
        """Publish the held event; with `only`, publish it only if it is that event."""
        with self._lock:
            held = self._held
            if held is None or only not in (None, held):
                return
            self._held = None
        held.context.run(super().publish, held.topic, held.event)
