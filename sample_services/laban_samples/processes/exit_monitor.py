"""Monitors processes in a thread and reports the ones that end unexpectedly."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from laban_samples.processes.supervisor import ManagedProcess, ProcessSupervisor

POLL_S: Final = 0.2


class ExitMonitor:
    """Calls back for each process that ends while the `with` block runs.

    Args:
        supervisor: the processes to monitor.
        on_end: called once for each ended process, in the monitor's thread.
    """

    def __init__(self, supervisor: ProcessSupervisor, on_end: Callable[[ManagedProcess], None]) -> None:
        self._supervisor = supervisor
        self._on_end = on_end
        self._reported: set[str] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="exit-monitor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(POLL_S):
            for process in self._supervisor.ended():
                if process.name not in self._reported:
                    self._reported.add(process.name)
                    self._on_end(process)
