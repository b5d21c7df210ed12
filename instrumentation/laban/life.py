"""The end of a process: open spans are ended and delivered, however it comes.

`atexit` serves a normal end. A process that SIGTERM kills runs no atexit handlers, and uvicorn raises the
signal again after its own clean shutdown: so where nobody handles SIGTERM, we do, and then let it kill.
"""

import atexit
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from laban.fail_open import fail_open

LONGEST_S: Final = 10.0
"""A process that was told to end waits no longer than this, whatever happens while spans are delivered."""

_before_exit: Final[list[Callable[[], None]]] = []


def before_exit(callback: Callable[[], None]) -> None:
    """Call this when the process ends, before the last spans are delivered. Once is enough."""
    if callback not in _before_exit:
        _before_exit.append(callback)


def install() -> None:
    """Care for the end of this process. Call it when the tracer provider is set: atexit runs backwards."""
    atexit.register(_run_callbacks)
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may set signal handlers
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _deliver_and_die)


def _run_callbacks() -> None:
    for callback in _before_exit:
        with fail_open("cannot end open spans"):
            callback()


def _deliver_and_die(number: int, _frame: FrameType | None) -> None:
    # In a thread: the main thread may hold, right where the signal stopped it, a lock that delivering needs.
    delivery = threading.Thread(target=_deliver, name="laban-last-spans", daemon=True)
    delivery.start()
    delivery.join(LONGEST_S)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _deliver() -> None:
    _run_callbacks()
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()
