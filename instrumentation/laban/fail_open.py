"""Guards for the instrumentation's own code: a failure is logged once, and the traced program continues."""

import logging
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Final, ParamSpec

P = ParamSpec("P")

logger: Final = logging.getLogger("laban")

_warned: Final[set[str]] = set()


class fail_open:  # noqa: N801 - used as a function; a class costs a third of a generator, on every request
    """Run a block of instrumentation code. If it raises, warn once per `what` ("cannot …") and continue."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        # Any exception: the user's program matters more than its trace.
        if not isinstance(error, Exception):
            return False
        report_failure(self._what, error)
        return True


def failing_open(what: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """`fail_open` as a decorator, for callbacks and hooks that return nothing."""

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - as above
                report_failure(what, error)

        return guarded

    return decorate


def report_failure(what: str, error: Exception) -> None:
    """Log a failure of the instrumentation once; cheaper than `fail_open`, for hot paths."""
    warn_once(f"laban {what}: %s: %s; the program continues without it", type(error).__name__, error)
    logger.debug("laban %s", what, exc_info=error)


def warn_once(message: str, *arguments: object) -> None:
    """Log a warning once per message template, whatever its arguments."""
    if message not in _warned:
        _warned.add(message)
        logger.warning(message, *arguments)
