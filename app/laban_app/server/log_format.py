"""The format of log lines: one line a record, without control characters from spans, brokers and requests."""

import logging
from logging import LogRecord
from types import TracebackType

from laban_mapper.printable import printable


class PrintableFormatter(logging.Formatter):
    """Formats records so that no message can forge a line or command a terminal; tracebacks stay lines."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: LogRecord) -> str:  # noqa: N802 - named by logging
        """Return the line of a record, without its traceback."""
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802 - named by logging
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Return a traceback."""
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


def log_to_stderr() -> None:
    """Let all loggers write to standard error in this format, unless something else has configured them."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter())
    logging.basicConfig(handlers=[handler])
