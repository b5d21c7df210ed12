"""A thread that runs a task periodically."""

import logging
import threading
from abc import ABC, abstractmethod

from laban_collector.errors import StoreError

_log = logging.getLogger(__name__)


class PeriodicThread(ABC):
    """Runs a task periodically in a separate thread; a failed run is repeated.

    Args:
        name: name of the thread.
        interval: seconds between two runs.
        trouble: the log text for a failed run.
    """

    def __init__(self, name: str, interval: float, trouble: str) -> None:
        self._interval = interval
        self._trouble = trouble
        self._said: str | None = None
        """The last trouble; the same one is said once, until a run succeeds."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    @abstractmethod
    def work(self) -> None:
        """Run the task once.

        Raises:
            StoreError: DuckDB refused.
        """

    def start(self) -> None:
        """Start; the first run begins at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the current run."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def pause(self, seconds: float) -> bool:
        """Wait during a run; return whether the thread must end."""
        return self._stopping.wait(seconds)

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            wait = self._interval
            try:
                self.work()
                self._said = None
            except Exception as error:  # noqa: BLE001 - after any error the next run may succeed
                unexpected = None if isinstance(error, StoreError) else error
                level = logging.DEBUG if str(error) == self._said else logging.ERROR
                _log.log(level, "%s: %s. Trying again.", self._trouble, error, exc_info=unexpected)
                self._said = str(error)
