"""The faults that a service has right now, and what they do to its work."""

import logging
import os
import random
import threading
from collections.abc import Iterable

from laban_samples.errors import SampleError
from laban_samples.faults import Fault, FaultName

log = logging.getLogger(__name__)

CRASH_STATUS = 70
"""The exit status of a process that crashed as it was told to (EX_SOFTWARE)."""


class FaultInjected(SampleError):
    """The error that the fault `errors` or `timeout` makes of a unit of work."""


class FaultState:
    """The present faults of one service; they may be changed while it works.

    Args:
        faults: those to start with.
        seed: of the generator that draws which units of work are hit.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self._changed = threading.Condition()
        self._random = random.Random(seed)
        self._released = False
        self._poison_left = 0
        self._faults: dict[FaultName, Fault] = {}
        self.replace(faults)

    @property
    def active(self) -> tuple[Fault, ...]:
        """The present faults."""
        with self._changed:
            return tuple(self._faults.values())

    def replace(self, faults: Iterable[Fault]) -> None:
        """Have exactly these faults from now on; work that a fault holds up goes on if it is gone."""
        with self._changed:
            self._faults = {fault.name: fault for fault in faults}
            self._poison_left = int(self._value(FaultName.POISON))
            self._changed.notify_all()

    def release(self) -> None:
        """Let all work go that is held up: the service stops."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def strike(self) -> None:
        """Suffer what is due at one unit of work: wait, fail, never end, or crash.

        Raises:
            FaultInjected: by `errors`; by `timeout` once it is cleared, when nobody waits anymore.
        """
        if self.has(FaultName.CRASH):
            log.critical("crashing, as the fault says")
            logging.shutdown()
            os._exit(CRASH_STATUS)  # a crash runs no clean-up
        self._hold(FaultName.TIMEOUT, None)
        self._hold(FaultName.LATENCY, self._value(FaultName.LATENCY))
        if self._draw(FaultName.ERRORS):
            raise FaultInjected("fault: errors")

    def has(self, name: FaultName) -> bool:
        """Whether a fault is on."""
        with self._changed:
            return name in self._faults

    def draws_duplicate(self) -> bool:
        """Whether the event at hand is to be published twice."""
        return self._draw(FaultName.DUPLICATE)

    def draws_poison(self) -> bool:
        """Whether an undecodable twin is to go out with the event at hand; each one counts."""
        with self._changed:
            if self._poison_left == 0:
                return False
            self._poison_left -= 1
            return True

    def _hold(self, name: FaultName, seconds: float | None) -> None:
        """Wait for `seconds` (None: for ever), or until the fault is gone or the service stops."""
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
