"""circuitbreaker: events for changes and refused calls, and the breaker's state on the calls that it guards.

The library keeps no state `half_open`: an open breaker is half open as soon as its time is over. So laban
remembers which state it has told.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from threading import Lock
from time import time_ns
from typing import Any, Final
from weakref import WeakKeyDictionary

import circuitbreaker

from laban.fail_open import fail_open, failing_open
from laban.resilience import call_scopes, events
from laban.resilience.instrumentor import (
    Args,
    Kwargs,
    ResilienceInstrumentor,
    Wrapped,
    Wrappers,
    guarding,
    guarding_async,
)

_LIBRARY: Final = "circuitbreaker"
_told: Final[WeakKeyDictionary[Any, str]] = WeakKeyDictionary()
_telling: Final = Lock()
_passed: Final[ContextVar[list[object] | None]] = ContextVar("laban-circuitbreaker-passed", default=None)
"""Breakers that have let the current call of a function with a fallback through."""


class LabanCircuitbreakerInstrumentor(ResilienceInstrumentor):
    """Instruments circuitbreaker."""

    requirement = "circuitbreaker >= 2"

    def wrappers(self) -> Wrappers:
        """What guards a call, what ends it, and the two ways in which a call is refused."""
        breaker = circuitbreaker.CircuitBreaker
        return {
            (breaker, "call"): guarding(_enter),
            (breaker, "call_async"): guarding_async(_enter),
            (breaker, "__exit__"): _exit,
            (breaker, "decorate"): _decorate,
            (circuitbreaker.CircuitBreakerError, "__init__"): _refuse,
        }


@failing_open("cannot follow the circuit breakers of circuitbreaker")
def _enter(breaker: Any) -> None:
    state = breaker.state
    _tell(breaker, state)
    passed = _passed.get()
    if passed is not None:
        passed.append(breaker)
    call_scopes.enter(breaker, events.circuit_attributes(_LIBRARY, breaker.name, state))


def _exit(wrapped: Wrapped, breaker: Any, args: Args, kwargs: Kwargs) -> Any:
    """`with breaker`, around every guarded call: its end decides about the state."""
    try:
        return wrapped(*args, **kwargs)
    finally:
        with fail_open("cannot follow the circuit breakers of circuitbreaker"):
            _tell(breaker, breaker._state)  # noqa: SLF001 - `state` may already be half open again


def _tell(breaker: Any, state: str) -> None:
    with _telling:  # one event a change, also if several threads see it
        previous = _told.get(breaker, circuitbreaker.STATE_CLOSED)
        if state == previous:
            return
        _told[breaker] = state
    events.circuit_changed(_LIBRARY, breaker.name, state, previous)


def _refuse(wrapped: Wrapped, _error: object, args: Args, kwargs: Kwargs) -> None:
    """`CircuitBreakerError(breaker)`, made only to refuse a call."""
    with fail_open("cannot follow the circuit breakers of circuitbreaker"):
        breaker = args[0] if args else kwargs["circuit_breaker"]
        events.call_refused(_LIBRARY, breaker.name)
    wrapped(*args, **kwargs)


def _decorate(wrapped: Wrapped, breaker: Any, args: Args, kwargs: Kwargs) -> Any:
    """A function with a fallback is refused without an error. Of generators, these refusals are not seen."""
    decorated = wrapped(*args, **kwargs)
    with fail_open("cannot follow the circuit breakers of circuitbreaker"):
        function = args[0] if args else kwargs["function"]
        generates = isgeneratorfunction(function) or isasyncgenfunction(function)
        if breaker.fallback_function is not None and not generates:
            return _with_fallback(breaker, decorated)
    return decorated


def _with_fallback(breaker: Any, decorated: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which tells when it was the fallback that answered."""

    @wraps(decorated)
    def sync(*args: Any, **kwargs: Any) -> Any:
        began, passed = time_ns(), list[object]()
        token = _passed.set(passed)
        try:
            return decorated(*args, **kwargs)
        finally:
            _passed.reset(token)
            finished(passed, began)

    def finished(passed: list[object], began: int) -> None:
        with fail_open("cannot follow the circuit breakers of circuitbreaker"):
            if not any(each is breaker for each in passed):
                events.call_refused(_LIBRARY, breaker.name, began)

    @wraps(decorated)
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        began, passed = time_ns(), list[object]()
        token = _passed.set(passed)
        try:
            return await decorated(*args, **kwargs)
        finally:
            _passed.reset(token)
            finished(passed, began)

    result: Any = coroutine if iscoroutinefunction(decorated) else sync
    # As the library has it: programs use it to call the function without its breaker.
    result.__wrapped__ = getattr(decorated, "__wrapped__", decorated)
    return result  # type: ignore[no-any-return]  # either of the two
