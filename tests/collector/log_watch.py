"""Waits for lines of the collector's log."""

import logging
import threading
from types import TracebackType
from typing import Self


class LogWatch(logging.Handler):
    """Notes the first and the second line with a text, while the block runs.

    Attributes:
        seen: set by the first line.
        again: set by the second line.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen, self.again = threading.Event(), threading.Event()
        self._text = text

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            (self.again if self.seen.is_set() else self.seen).set()

    def __enter__(self) -> Self:
        logging.getLogger("laban_collector").addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("laban_collector").removeHandler(self)
