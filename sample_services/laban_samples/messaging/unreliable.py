"""A publisher that errs as the faults of its service say."""

import threading
from contextvars import Context, copy_context
from dataclasses import dataclass

from laban_samples.events import Event, encode
from laban_samples.fault_state import FaultState
from laban_samples.faults import FaultName
from laban_samples.messaging.cluster import Cluster
from laban_samples.messaging.publisher import Publisher

HOLD_S = 0.5
"""How long an event that is to swap places waits for a neighbour."""


@dataclass(frozen=True, slots=True)
class _Held:
    topic: str
    event: Event
    context: Context
    """That of the work which published it: it stays the cause, whoever lets it go."""


class UnreliablePublisher(Publisher):
    """Publishes undecodable twins, duplicates and swapped neighbours while such faults are on."""

    def __init__(self, cluster: Cluster, client_id: str, faults: FaultState) -> None:
        super().__init__(cluster, client_id)
        self._faults = faults
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def publish(self, topic: str, event: Event) -> None:
        """Publish an event, or what the faults make of it."""
        if self._faults.draws_poison():
            encoded = encode(event)
            self.send(topic, event.order_id.encode(), encoded[: len(encoded) // 2])
        if self._faults.has(FaultName.OUT_OF_ORDER) and self._hold(topic, event):
            return
        super().publish(topic, event)
        if self._faults.draws_duplicate():
            super().publish(topic, event)
        self._let_go()

    def close(self) -> None:
        """Publish what is held back, flush, and let go of the connections."""
        self._let_go()
        super().close()

    def _hold(self, topic: str, event: Event) -> bool:
        """Keep the event back, unless one is kept back already."""
        with self._lock:
            if self._held is not None:
                return False
            self._held = held = _Held(topic, event, copy_context())
        timer = threading.Timer(HOLD_S, self._let_go, (held,))
        timer.daemon = True
        timer.start()
        return True

    def _let_go(self, only: _Held | None = None) -> None:
        """Publish what is held back (`only` if it is that one)."""
        with self._lock:
            held = self._held
            if held is None or only not in (None, held):
                return
            self._held = None
        held.context.run(super().publish, held.topic, held.event)
