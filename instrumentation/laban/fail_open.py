"""Nothing of ours may break the traced program: what fails here is said once, and the user's call goes on."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Final, ParamSpec

P = ParamSpec("P")

logger: Final = logging.getLogger("laban")

_warned: Final[set[str]] = set()


@contextmanager
def fail_open(what: str) -> Generator[None]:
    """Run a block of ours; when it raises, warn once for each `what` ("cannot …") and go on behind it."""
    try:
        yield
    except Exception as error:
        # Whatever it is: the user's program matters more than its trace.
        warn_once(f"laban {what}: %s: %s; the program goes on without it", type(error).__name__, error)
        logger.debug("laban %s", what, exc_info=True)


def failing_open(what: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """`fail_open` as a decorator, for callbacks and hooks that answer nothing."""

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            with fail_open(what):
                function(*args, **kwargs)

        return guarded

    return decorate


def warn_once(message: str, *arguments: object) -> None:
    """Log a warning the first time that it is given; the message before its arguments decides."""
    if message not in _warned:
        _warned.add(message)
        logger.warning(message, *arguments)
