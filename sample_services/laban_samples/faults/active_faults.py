"""The active faults of a service, and their effect on its work."""

import logging
import os
import random
import threading
from collections.abc import Iterable

from laban_samples.errors import SampleError
from laban_samples.faults.parsing import Fault, FaultName

log = logging.getLogger(__name__)

CRASH_STATUS = 70
"""The exit status of a process that the crash fault ended (EX_SOFTWARE)."""


class FaultInjected(SampleError):
    """The error that the fault `errors` or `timeout` causes."""


class ActiveFaults:
    """The active faults of one service; thread-safe, and changeable at any time.

    Args:
        faults: the initial faults.
        seed: the seed of the generator that selects the affected requests.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self._changed = threading.Condition()
        self._random = random.Random(seed)
        self._released = False
        self._poison_remaining = 0
        self._faults: dict[FaultName, Fault] = {}
        self.replace(faults)

    @property
    def active(self) -> tuple[Fault, ...]:
        """The active faults."""
        with self._changed:
            return tuple(self._faults.values())

    def replace(self, faults: Iterable[Fault]) -> None:
        """Replace all faults; work that a removed fault blocks continues."""
        with self._changed:
            self._faults = {fault.name: fault for fault in faults}
            self._poison_remaining = int(self._value(FaultName.POISON))
            self._changed.notify_all()

    def release(self) -> None:
        """Unblock all work, because the service stops."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def apply(self) -> None:
        """Apply the faults to one request or event: delay it, fail it, block it, or crash.

        Raises:
            FaultInjected: by `errors`; by `timeout` after the fault is removed; the caller has timed out.
        """
        if self.has(FaultName.CRASH):
            log.critical("crash fault: exiting")
            logging.shutdown()
            os._exit(CRASH_STATUS)  # a crash runs no clean-up
        self._block(FaultName.TIMEOUT, None)
        self._block(FaultName.LATENCY, self._value(FaultName.LATENCY))
        if self._draw(FaultName.ERRORS):
            raise FaultInjected("fault: errors")

    def has(self, name: FaultName) -> bool:
        """Return whether a fault is active."""
        with self._changed:
            return name in self._faults

    def should_duplicate(self) -> bool:
        """Return whether to publish the current event twice."""
        return self._draw(FaultName.DUPLICATE)

    def take_poison(self) -> bool:
        """Return whether to publish an undecodable copy of the current event; uses up one of the count."""
        with self._changed:
            if self._poison_remaining == 0:
                return False
            self._poison_remaining -= 1
            return True

    def _block(self, name: FaultName, seconds: float | None) -> None:
        """Block for `seconds` (None: without limit), or until the fault is removed or the service stops."""
        if not self.has(name):
            return
        with self._changed:
            self._changed.wait_for(lambda: self._released or name not in self._faults, seconds)
        if seconds is None:
            raise FaultInjected(f"fault: {name}")

    def _draw(self, name: FaultName) -> bool:
        with self._changed:
            return name in self._faults and self._random.random() < self._value(name)

    def _value(self, name: FaultName) -> float:
        fault = self._faults.get(name)
        return fault.value if fault else 0.0
