"""Nothing of ours may break the traced program: what fails here is said once, and the user's call goes on."""

import logging
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Final, ParamSpec

P = ParamSpec("P")

logger: Final = logging.getLogger("laban")

_warned: Final[set[str]] = set()


class fail_open:  # noqa: N801 - used as a function; a class costs a third of a generator, on every request
    """Run a block of ours; when it raises, warn once for each `what` ("cannot …") and go on behind it."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        # Whatever it is: the user's program matters more than its trace.
        if not isinstance(error, Exception):
            return False
        failed(self._what, error)
        return True


def failing_open(what: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """`fail_open` as a decorator, for callbacks and hooks that answer nothing."""

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - as above
                failed(what, error)

        return guarded

    return decorate


def failed(what: str, error: Exception) -> None:
    """Say that something of ours has failed; for an `except` where every call counts."""
    warn_once(f"laban {what}: %s: %s; the program goes on without it", type(error).__name__, error)
    logger.debug("laban %s", what, exc_info=error)


def warn_once(message: str, *arguments: object) -> None:
    """Log a warning the first time that it is given; the message before its arguments decides."""
    if message not in _warned:
        _warned.add(message)
        logger.warning(message, *arguments)
