"""pybreaker: events for changes and refused calls, and the breaker's state on the calls that it guards.

A state of the breaker is an object: closed and half open call the function, open refuses or tries half open.
Listeners would be simpler, but the program sees them in `breaker.listeners`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import pybreaker

from laban.fail_open import fail_open
from laban.resilience import call_scopes, events
from laban.resilience.instrumentor import (
    Args,
    Kwargs,
    ResilienceInstrumentor,
    Wrapped,
    Wrappers,
    guarding,
)

_LIBRARY: Final = "pybreaker"


class LabanPybreakerInstrumentor(ResilienceInstrumentor):
    """Instruments pybreaker."""

    requirement = "pybreaker >= 1.1"

    def wrappers(self) -> Wrappers:
        """The guarded call, the open state's decision, and the change of the state."""
        breaker = pybreaker.CircuitBreaker
        return {
            (pybreaker.CircuitBreakerState, "call"): guarding(_enter),
            (pybreaker.CircuitOpenState, "before_call"): _before_call,
            (breaker, "calling"): _calling,
            (breaker, "_create_new_state"): _create_state,
        }


def _enter(state: Any) -> None:
    with fail_open("cannot follow the circuit breakers of pybreaker"):
        breaker = state._breaker  # noqa: SLF001 - no getter
        call_scopes.enter(state, events.circuit_attributes(_LIBRARY, breaker.name, state.name))


def _before_call(wrapped: Wrapped, state: Any, args: Args, kwargs: Kwargs) -> Any:
    """The open state: raises, or makes the breaker half open and the call in it, which may fail, too."""
    try:
        return wrapped(*args, **kwargs)
    except pybreaker.CircuitBreakerError:
        with fail_open("cannot follow the circuit breakers of pybreaker"):
            breaker = state._breaker  # noqa: SLF001
            if breaker._state is state:  # noqa: SLF001 - not half open in between
                events.call_refused(_LIBRARY, breaker.name)
        raise


@contextmanager
def _calling(wrapped: Wrapped, breaker: Any, args: Args, kwargs: Kwargs) -> Generator[Any]:
    """`with breaker.calling():`. The library runs the block as a generator, outside of the state's `call`."""
    with wrapped(*args, **kwargs) as value:
        state = getattr(breaker, "_state", None)  # `breaker.state` may ask the storage
        _enter(state)
        try:
            yield value
        finally:
            call_scopes.leave(state)


def _create_state(wrapped: Wrapped, breaker: Any, args: Args, kwargs: Kwargs) -> Any:
    """`breaker._create_new_state(name, prev_state, notify)`; without `notify`, it is the first one."""
    state = wrapped(*args, **kwargs)
    with fail_open("cannot follow the circuit breakers of pybreaker"):
        previous = kwargs.get("prev_state")
        if kwargs.get("notify") and previous is not None:
            events.circuit_changed(_LIBRARY, breaker.name, state.name, previous.name)
    return state
