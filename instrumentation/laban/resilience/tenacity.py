"""tenacity, and stamina, which is built on it: an event for each retry, the attempt's number on its calls.

tenacity asks `iter` what to do next, before and after every attempt: make an attempt, sleep, or return. Its
other ways to use it (decorator, call, `for attempt in …`, `async for`) all come down to that.
"""

from typing import Any

import tenacity

from laban.fail_open import fail_open
from laban.resilience import call_scopes, events
from laban.resilience.instrumentor import Args, Kwargs, ResilienceInstrumentor, Wrapped, Wrappers

_STAMINA = "stamina"


class LabanTenacityInstrumentor(ResilienceInstrumentor):
    """Instruments tenacity."""

    requirement = "tenacity >= 8.4"

    def wrappers(self) -> Wrappers:
        """The loop's question what to do next, and the two ways in which an attempt ends."""
        return {
            (tenacity.BaseRetrying, "iter"): _iter,
            (tenacity.AsyncRetrying, "iter"): _iter_async,
            (tenacity.RetryCallState, "set_result"): _ended,
            (tenacity.RetryCallState, "set_exception"): _ended,
        }


def _iter(wrapped: Wrapped, retrying: Any, args: Args, kwargs: Kwargs) -> Any:
    try:
        action = wrapped(*args, **kwargs)
    except Exception:
        _tell(retrying, args, kwargs, None)
        raise
    _tell(retrying, args, kwargs, action)
    return action


async def _iter_async(wrapped: Wrapped, retrying: Any, args: Args, kwargs: Kwargs) -> Any:
    try:
        action = await wrapped(*args, **kwargs)
    except Exception:
        _tell(retrying, args, kwargs, None)
        raise
    _tell(retrying, args, kwargs, action)
    return action


def _ended(wrapped: Wrapped, state: Any, args: Args, kwargs: Kwargs) -> Any:
    if state.attempt_number > 1:
        call_scopes.leave(state)
    return wrapped(*args, **kwargs)


def _tell(retrying: Any, args: Args, kwargs: Kwargs, action: object) -> None:
    """Record what tenacity does next; the action is None or a result if the attempts are over."""
    with fail_open("cannot follow the retries of tenacity"):
        state = args[0] if args else kwargs["retry_state"]
        number: int = state.attempt_number
        if isinstance(action, tenacity.DoAttempt):
            if number > 1:
                call_scopes.enter(state, events.attempt_attributes(_library(retrying), number))
        elif isinstance(action, tenacity.DoSleep):
            events.retry(_library(retrying), number, _error_type(state), action)
        elif number > 1 and retrying.iter_state.stop_run_result:
            events.retries_exhausted(_library(retrying), number, _error_type(state))


def _library(retrying: Any) -> str:
    """stamina gives every policy a callback of its own."""
    module = getattr(retrying.before_sleep, "__module__", None) or ""
    return _STAMINA if module.partition(".")[0] == _STAMINA else "tenacity"


def _error_type(state: Any) -> str | None:
    """The type of the exception; None if a result was not good enough."""
    error = state.outcome.exception() if state.outcome is not None else None
    return None if error is None else type(error).__qualname__
