"""Hooks that see a handler's exception after it has left the loop, or when the handler logs it."""

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
    """Hook into uncaught exceptions and exceptions logged as errors. A second call does nothing."""
    if not _restores:
        _restores.extend([_hook_uncaught(), _hook_uncaught_in_threads(), _hook_logged()])


def uninstall() -> None:
    """Restore the previous hooks, unless they have been replaced since."""
    while _restores:
        _restores.pop()()


def _hook_uncaught() -> Callable[[], None]:
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        _end_in_this_thread(error)
        previous(kind, error, traceback)

    sys.excepthook = hook

    def restore() -> None:
        if sys.excepthook is hook:
            sys.excepthook = previous

    return restore


def _hook_uncaught_in_threads() -> Callable[[], None]:
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


def _hook_logged() -> Callable[[], None]:
    previous = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = previous(*args, **kwargs)
        if record.exc_info and record.levelno >= logging.ERROR and record.exc_info[1] is not None:
            _record_logged(record.exc_info[1])
        return record

    logging.setLogRecordFactory(factory)

    def restore() -> None:
        if logging.getLogRecordFactory() is factory:
            logging.setLogRecordFactory(previous)

    return restore


@failing_open("cannot record errors of message handlers")
def _end_in_this_thread(error: BaseException) -> None:
    for span in process_span.open_spans():
        if span.thread == threading.get_ident():
            span.end(error)


@failing_open("cannot record errors of message handlers")
def _record_logged(error: BaseException) -> None:
    """Record a logged error on the current record, else on the record whose loop it has just left."""
    current = process_span.current()
    if current is not None:
        current.fail(error)
        return
    for span in process_span.open_spans():
        if span.awaits_error and span.thread == threading.get_ident():
            span.end(error)
