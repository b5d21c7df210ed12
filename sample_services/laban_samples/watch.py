"""Watches the processes of a demo while it does something else."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from laban_samples.processes import Part, Parts

EVERY_S: Final = 0.2


class Watch:
    """Calls back for each part that ends by itself while the `with` block runs.

    Args:
        parts: the processes.
        on_end: called once for each, in the thread of the watch.
    """

    def __init__(self, parts: Parts, on_end: Callable[[Part], None]) -> None:
        self._parts = parts
        self._on_end = on_end
        self._seen: set[str] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(EVERY_S):
            for part in self._parts.ended():
                if part.name not in self._seen:
                    self._seen.add(part.name)
                    self._on_end(part)
