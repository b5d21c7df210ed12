"""Shows how far something is, on stderr: a live bar in a terminal, a plain line now and then elsewhere."""

import sys
import time
from abc import abstractmethod
from types import TracebackType
from typing import Final, Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

LINE_EVERY_S: Final = 5.0


class Progress(Protocol):
    """Something that is told how far it is; used as a context manager."""

    @abstractmethod
    def update(self, done: int, text: str) -> None:
        """So many are done; `text` says more."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LiveProgress:
    """A bar that is redrawn in place."""

    def __init__(self, what: str, total: int | None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = RichProgress(*columns, TextColumn("{task.fields[text]}"), console=Console(stderr=True))
        self._task = self._bar.add_task(what, total=total, text="")

    def update(self, done: int, text: str) -> None:
        """Redraw."""
        self._bar.update(self._task, completed=done, text=text)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class PlainProgress:
    """A line every few seconds, and one at the end."""

    def __init__(self, what: str, total: int | None, stream: TextIO) -> None:
        self._what = what
        self._total = total
        self._stream = stream
        self._next = time.monotonic() + LINE_EVERY_S
        self._line = ""

    def update(self, done: int, text: str) -> None:
        """Print a line if it is time."""
        self._line = f"{self._what} {done}{f'/{self._total}' if self._total else ''}: {text}"
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_EVERY_S
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


def make_progress(what: str, total: int | None) -> Progress:
    """The progress that suits stderr; `total` None: there is no end."""
    if sys.stderr.isatty():
        return LiveProgress(what, total)
    return PlainProgress(what, total, sys.stderr)
