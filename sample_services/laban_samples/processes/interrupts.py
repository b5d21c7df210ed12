"""Turns Ctrl-C, SIGTERM and a closed terminal into one KeyboardInterrupt; ignores later signals."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupt_once() -> Generator[None, None, None]:
    """Within the block, the first of these signals raises KeyboardInterrupt; later signals are ignored.

    A second Ctrl-C must not interrupt the shutdown, because processes would be left behind. Outside the main
    thread, which cannot handle signals, this function does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_interrupts() -> None:
    """Ignore the signals from now on, because the shutdown has started."""
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    ignore_interrupts()
    raise KeyboardInterrupt
