"""aiobreaker: events for changes and refused calls, and the breaker's state on the calls that it guards.

A fork of pybreaker for asyncio; here an open state that does not refuse makes the breaker half open after
`before_call`.
"""

from typing import Any, Final

import aiobreaker
from aiobreaker.state import CircuitBreakerBaseState, CircuitOpenState

from laban.fail_open import fail_open
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

_LIBRARY: Final = "aiobreaker"


class LabanAiobreakerInstrumentor(ResilienceInstrumentor):
    """Instruments aiobreaker."""

    requirement = "aiobreaker >= 1.1"

    def wrappers(self) -> Wrappers:
        """The guarded call, the open state's decision, and the change of the state."""
        return {
            (CircuitBreakerBaseState, "call"): guarding(_enter),
            (CircuitBreakerBaseState, "call_async"): guarding_async(_enter),
            (CircuitOpenState, "before_call"): _before_call,
            (aiobreaker.CircuitBreaker, "_create_new_state"): _create_state,
        }


def _enter(state: Any) -> None:
    with fail_open("cannot follow the circuit breakers of aiobreaker"):
        breaker = state._breaker  # noqa: SLF001 - no getter
        call_scopes.enter(state, events.circuit_attributes(_LIBRARY, breaker.name, state.state.name))


def _before_call(wrapped: Wrapped, state: Any, args: Args, kwargs: Kwargs) -> Any:
    """The open state: raises unless its time is over."""
    try:
        return wrapped(*args, **kwargs)
    except aiobreaker.CircuitBreakerError:
        with fail_open("cannot follow the circuit breakers of aiobreaker"):
            events.call_refused(_LIBRARY, state._breaker.name)  # noqa: SLF001
        raise


def _create_state(wrapped: Wrapped, breaker: Any, args: Args, kwargs: Kwargs) -> Any:
    """`breaker._create_new_state(state, prev_state, notify)`; without `notify`, it is the first one."""
    state = wrapped(*args, **kwargs)
    with fail_open("cannot follow the circuit breakers of aiobreaker"):
        previous = kwargs.get("prev_state")
        if kwargs.get("notify") and previous is not None:
            events.circuit_changed(_LIBRARY, breaker.name, state.state.name, previous.state.name)
    return state
