"""Where the exception of a handler can be seen that left its loop, or that the handler itself logged."""

import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from laban.fail_open import failing_open
from laban.messaging import process_span

_restores: Final[list[Callable[[], None]]] = []


def install() -> None:
    """Look at uncaught exceptions and at exceptions that are logged as errors. Twice does no harm."""
    if not _restores:
        _restores.extend([_watch_uncaught(), _watch_uncaught_in_threads(), _watch_logged()])


def uninstall() -> None:
    """Put back what was there, unless somebody has replaced it since."""
    while _restores:
        _restores.pop()()


def _watch_uncaught() -> Callable[[], None]:
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        _end_in_this_thread(error)
        previous(kind, error, traceback)

    sys.excepthook = hook

    def restore() -> None:
        if sys.excepthook is hook:
            sys.excepthook = previous

    return restore


def _watch_uncaught_in_threads() -> Callable[[], None]:
    previous = threading.excepthook

    def hook(args: threading.ExceptHookArgs, /) -> None:
        if args.exc_value is not None:
            _end_in_this_thread(args.exc_value)
        previous(args)

    threading.excepthook = hook

    def restore() -> None:
        if threading.excepthook is hook:
            threading.excepthook = previous

    return restore


def _watch_logged() -> Callable[[], None]:
    previous = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = previous(*args, **kwargs)
        if record.exc_info and record.levelno >= logging.ERROR and record.exc_info[1] is not None:
            _note_logged(record.exc_info[1])
        return record

    logging.setLogRecordFactory(factory)

    def restore() -> None:
        if logging.getLogRecordFactory() is factory:
            logging.setLogRecordFactory(previous)

    return restore


@failing_open("cannot record errors of handlers of messages")
def _end_in_this_thread(error: BaseException) -> None:
    for span in process_span.open_spans():
        if span.thread == threading.get_ident():
            span.end(error)


@failing_open("cannot record errors of handlers of messages")
def _note_logged(error: BaseException) -> None:
    """An error logged while a record is handled is the record's; just behind its loop, what left the loop."""
    handled = process_span.current()
    if handled is not None:
        handled.fail(error)
        return
    for span in process_span.open_spans():
        if span.left and span.thread == threading.get_ident():
            span.end(error)
