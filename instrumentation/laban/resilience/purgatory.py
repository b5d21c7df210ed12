"""purgatory, sync and asyncio: events for changes and refused calls, the breaker's state on guarded calls.

Both of its breakers, as context manager and as decorator, enter and leave the same `Context`.
"""

from typing import Any, Final

from purgatory.domain.model import Context, OpenedState

from laban.fail_open import fail_open
from laban.resilience import call_scopes, events
from laban.resilience.instrumentor import Args, Kwargs, ResilienceInstrumentor, Wrapped, Wrappers

_LIBRARY: Final = "purgatory"


class LabanPurgatoryInstrumentor(ResilienceInstrumentor):
    """Instruments purgatory."""

    requirement = "purgatory >= 2"

    def wrappers(self) -> Wrappers:
        """Begin and end of a guarded call, and the change of the state."""
        return {
            (Context, "__enter__"): _enter,
            (Context, "__exit__"): _exit,
            (Context, "set_state"): _set_state,
        }


def _enter(wrapped: Wrapped, circuit: Any, args: Args, kwargs: Kwargs) -> Any:
    try:
        entered = wrapped(*args, **kwargs)
    except OpenedState:
        with fail_open("cannot follow the circuit breakers of purgatory"):
            events.call_refused(_LIBRARY, circuit.name)
        raise
    with fail_open("cannot follow the circuit breakers of purgatory"):
        call_scopes.enter(circuit, events.circuit_attributes(_LIBRARY, circuit.name, circuit.state))
    return entered


def _exit(wrapped: Wrapped, circuit: Any, args: Args, kwargs: Kwargs) -> Any:
    call_scopes.leave(circuit)
    return wrapped(*args, **kwargs)


def _set_state(wrapped: Wrapped, circuit: Any, args: Args, kwargs: Kwargs) -> Any:
    previous = getattr(circuit, "state", None)
    result = wrapped(*args, **kwargs)
    with fail_open("cannot follow the circuit breakers of purgatory"):
        events.circuit_changed(_LIBRARY, circuit.name, circuit.state, previous)
    return result
