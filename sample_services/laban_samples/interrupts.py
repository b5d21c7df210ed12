"""Ctrl-C, SIGTERM and a closed terminal, all as one KeyboardInterrupt; while stopping they are ignored."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible_once() -> Generator[None, None, None]:
    """Within the block the first of these signals raises KeyboardInterrupt, the next ones do nothing.

    An impatient second Ctrl-C must not interrupt the stopping, it would leave processes behind. In another
    thread than the main one, which cannot handle signals, this does nothing.
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
    """From here on nothing interrupts: the stopping has begun, or the end is near anyhow."""
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    ignore_interrupts()
    raise KeyboardInterrupt
