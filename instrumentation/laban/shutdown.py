"""The end of a process: open spans are ended and delivered, however it comes.

`atexit` serves a normal end. A process that SIGTERM kills runs no atexit handlers, and uvicorn raises the
signal again after its own clean shutdown: so where nobody handles SIGTERM, we do, and then let it kill.
A process that multiprocessing forks runs none either, but finalizers of its own.
"""

import atexit
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import wrapt
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from laban.fail_open import fail_open

_LAST: Final = -1_000
"""Among the finalizers of multiprocessing: after those of the program."""
LONGEST_S: Final = 10.0
"""A process that was told to end waits no longer than this, whatever happens while spans are delivered."""

_before_exit: Final[list[Callable[[], None]]] = []


def before_exit(callback: Callable[[], None], after_fork: Callable[[], None]) -> None:
    """Care for the open spans of an instrumentation. Once is enough.

    Args:
        callback: called when the process ends, before the last spans are delivered.
        after_fork: called in a process that was forked, where open spans are its parent's to end.
    """
    if callback not in _before_exit:
        _before_exit.append(callback)
        if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
            os.register_at_fork(after_in_child=after_fork)


def install() -> None:
    """Care for the end of this process. Call it when the tracer provider is set: atexit runs backwards."""
    atexit.register(_run_callbacks)
    # Where the program imports it: most do not, and it takes a while.
    wrapt.register_post_import_hook(_install_in_children, "multiprocessing.util")
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may set signal handlers
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _deliver_and_die)


def _install_in_children(util: Any) -> None:
    with fail_open("cannot care for processes of multiprocessing"):
        util.register_after_fork(_deliver, _deliver_before_exit)


def _deliver_before_exit(_: object) -> None:
    from multiprocessing.util import Finalize  # there by now; this runs in a process that it has started

    Finalize(None, _deliver, exitpriority=_LAST)


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
