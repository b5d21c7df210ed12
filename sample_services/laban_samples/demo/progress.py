"""Reports progress on stderr: a progress bar in a terminal, otherwise a line every few seconds."""

import sys
import time
from abc import abstractmethod
from types import TracebackType
from typing import Final, Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

LINE_INTERVAL_S: Final = 5.0


class Progress(Protocol):
    """Reports progress; a context manager."""

    @abstractmethod
    def update(self, done: int, text: str) -> None:
        """Report the number of finished items; `text` adds details."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ProgressBar:
    """A progress bar that is redrawn in place."""

    def __init__(self, label: str, total: int | None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = RichProgress(*columns, TextColumn("{task.fields[text]}"), console=Console(stderr=True))
        self._task = self._bar.add_task(label, total=total, text="")

    def update(self, done: int, text: str) -> None:
        """Redraw the bar."""
        self._bar.update(self._task, completed=done, text=text)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class ProgressLines:
    """Prints a line every few seconds and one at the end."""

    def __init__(self, label: str, total: int | None, stream: TextIO) -> None:
        self._label = label
        self._total = total
        self._stream = stream
        self._next = time.monotonic() + LINE_INTERVAL_S
        self._line = ""

    def update(self, done: int, text: str) -> None:
        """Print a line if the interval has passed."""
        self._line = f"{self._label} {done}{f'/{self._total}' if self._total else ''}: {text}"
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_INTERVAL_S
            self._print()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line:
            self._print()

    def _print(self) -> None:
        self._stream.write(f"{self._line}\n")
        self._stream.flush()


def create_progress(label: str, total: int | None) -> Progress:
    """Create the progress report that fits stderr; `total` is None for an unlimited run."""
    if sys.stderr.isatty():
        return ProgressBar(label, total)
    return ProgressLines(label, total, sys.stderr)
