"""The format of log lines: no text of a span, a broker or a request forges a line or commands a terminal."""

import logging
from logging import LogRecord

from laban_collector.secret_values import without_secrets
from laban_mapper.printable import printable


class PrintableFormatter(logging.Formatter):
    """Formats each record as one line; the lines of its traceback are indented, as no record is."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: LogRecord) -> str:
        """Return the line of a record, and its traceback."""
        return "\n  ".join(map(printable, without_secrets(super().format(record)).split("\n")))

    def formatMessage(self, record: LogRecord) -> str:  # noqa: N802 - named by logging
        """Return the line of a record, without its traceback."""
        return printable(super().formatMessage(record))


def log_to_stderr() -> None:
    """Let all loggers write to standard error in this format, unless something else has configured them."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter())
    logging.basicConfig(handlers=[handler])
