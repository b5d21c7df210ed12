"""Process shutdown: ends open spans and exports the last ones, on a normal exit, on SIGTERM and in forks.

`atexit` covers a normal exit. A process killed by SIGTERM runs no atexit handlers, and uvicorn raises the
signal again after its own clean shutdown. So if the program does not handle SIGTERM, laban does, and then
lets the signal kill the process. That stays so if the program resets the signal to its default, as gunicorn's
uvicorn workers do. A process forked by multiprocessing runs no atexit handlers either, only
multiprocessing's own finalizers.
"""

import atexit
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, Final

import wrapt
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from laban.fail_open import fail_open
from laban.sdk import draining_processor

_FINALIZER_PRIORITY: Final = -1_000
"""Runs after the program's own multiprocessing finalizers."""
MAX_EXPORT_S: Final = 10.0
"""The longest time that SIGTERM waits for the last export."""

_set_handler: Final = signal.signal

_before_exit: Final[list[Callable[[], None]]] = []


def before_exit(callback: Callable[[], None], after_fork: Callable[[], None]) -> None:
    """Register the callbacks of an instrumentation that keeps spans open. Each callback is registered once.

    Args:
        callback: called when the process ends, before the last export.
        after_fork: called in a forked child; its parent ends the spans that were open at the fork.
    """
    if callback not in _before_exit:
        _before_exit.append(callback)
        if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
            os.register_at_fork(after_in_child=after_fork)


def install() -> None:
    """Handle the end of this process. Call it after setting the tracer provider: atexit runs in reverse."""
    atexit.register(_run_callbacks)
    # Only if the program imports multiprocessing: most do not, and the import is slow.
    wrapt.register_post_import_hook(_install_in_children, "multiprocessing.util")
    wrapt.wrap_function_wrapper(signal, "signal", _keep_exporting)
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread can set signal handlers
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        _set_handler(signal.SIGTERM, _export_and_die)


def _keep_exporting(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`signal.signal(number, handler)`: SIGTERM's default is laban's handler, which ends the process, too."""
    if args == (signal.SIGTERM, signal.SIG_DFL):
        return wrapped(signal.SIGTERM, _export_and_die)
    return wrapped(*args, **kwargs)


def _install_in_children(util: Any) -> None:
    with fail_open("cannot handle the shutdown of multiprocessing children"):
        util.register_after_fork(_export_rest, _export_before_exit)


def _export_before_exit(_: object) -> None:
    from multiprocessing.util import Finalize  # already loaded: multiprocessing started this process

    Finalize(None, _export_rest, exitpriority=_FINALIZER_PRIORITY)


def _run_callbacks() -> None:
    for callback in _before_exit:
        with fail_open("cannot end open spans"):
            callback()


def _export_and_die(number: int, _frame: FrameType | None) -> None:
    # A pool sends the signal to processes that may have begun to end by themselves.
    if draining_processor.after_draining(partial(_die, number)):
        return
    # In a thread: the signal may have interrupted the main thread while it holds a lock that the export
    # needs.
    export = threading.Thread(target=_export_rest, name="laban-last-spans", daemon=True)
    export.start()
    export.join(MAX_EXPORT_S)
    _die(number)


def _die(number: int) -> None:
    _set_handler(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _export_rest() -> None:
    _run_callbacks()
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()
