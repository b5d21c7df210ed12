"""The events of retries and circuit breakers on the current span; `laban/vocabulary.py` explains them."""

from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, SpanKind

from laban import vocabulary
from laban.fail_open import failing_open
from laban.resilience.call_scopes import Attributes

_STATES: Final = {
    "closed": vocabulary.CIRCUIT_CLOSED,
    "open": vocabulary.CIRCUIT_OPEN,
    "opened": vocabulary.CIRCUIT_OPEN,
    "half_open": vocabulary.CIRCUIT_HALF_OPEN,
    "half_opened": vocabulary.CIRCUIT_HALF_OPEN,
}
"""The libraries' words, lower case and with underscores."""


@failing_open("cannot record retries")
def retry(library: str, attempt: int, error: str | None, wait_s: float, time: int | None = None) -> None:
    """An attempt has failed, and another one follows.

    Args:
        library: what makes the attempts.
        attempt: the number of the failed attempt, from 1.
        error: the type of the exception, or the HTTP status; None if a result was not good enough.
        wait_s: the wait before the next attempt, in seconds.
        time: when it failed, in Unix nanoseconds; now if it is left out.
    """
    span = trace.get_current_span()
    if span.is_recording():
        attributes = _of_attempt(library, attempt, error)
        attributes[vocabulary.LABAN_RETRY_WAIT_MS] = round(wait_s * 1000)
        span.add_event(vocabulary.LABAN_RETRY_EVENT, attributes, time)


@failing_open("cannot record retries")
def retries_exhausted(library: str, attempt: int, error: str | None) -> None:
    """The last attempt allowed has failed, as `retry`. A policy that allows one attempt makes no retries."""
    span = trace.get_current_span()
    if attempt > 1 and span.is_recording():
        attributes = _of_attempt(library, attempt, error)
        span.add_event(vocabulary.LABAN_RETRY_EXHAUSTED_EVENT, attributes)


def attempt_attributes(library: str, attempt: int) -> Attributes:
    """The attributes of calls in an attempt."""
    return {vocabulary.LABAN_RETRY_ATTEMPT: attempt, vocabulary.LABAN_RETRY_LIBRARY: library}


@failing_open("cannot record circuit breakers")
def circuit_changed(library: str, name: object, state: object, previous: object) -> None:
    """A circuit breaker has changed its state. State and name as the library has them; None: no name."""
    span = trace.get_current_span()
    if span.is_recording():
        attributes = circuit_attributes(library, name, state)
        span.set_attributes(attributes)
        attributes[vocabulary.LABAN_CIRCUIT_PREVIOUS_STATE] = _state(previous)
        span.add_event(vocabulary.LABAN_CIRCUIT_CHANGED_EVENT, attributes)


@failing_open("cannot record circuit breakers")
def call_refused(library: str, name: object, time: int | None = None) -> None:
    """An open circuit breaker has not let a call through; `time` as for `retry`."""
    span = trace.get_current_span()
    if span.is_recording():
        attributes = circuit_attributes(library, name, vocabulary.CIRCUIT_OPEN)
        span.set_attributes(attributes)
        span.add_event(vocabulary.LABAN_CIRCUIT_REFUSED_EVENT, attributes, time)


def circuit_attributes(library: str, name: object, state: object) -> Attributes:
    """The attributes of a circuit breaker in this state."""
    attributes: Attributes = {
        vocabulary.LABAN_CIRCUIT_STATE: _state(state),
        vocabulary.LABAN_CIRCUIT_LIBRARY: library,
    }
    if name is not None:
        attributes[vocabulary.LABAN_CIRCUIT_NAME] = str(name)
    return attributes


def current_client_span() -> Span | None:
    """The current span if it is that of a call: one span may cover all attempts of a client's own retries."""
    span = trace.get_current_span()
    return span if isinstance(span, ReadableSpan) and span.kind is SpanKind.CLIENT else None


def _of_attempt(library: str, attempt: int, error: str | None) -> Attributes:
    attributes = attempt_attributes(library, attempt)
    if error is not None:
        attributes[vocabulary.ERROR_TYPE] = error
    return attributes


def _state(state: object) -> str:
    word = str(state).lower().replace("-", "_")
    return _STATES.get(word, word)
