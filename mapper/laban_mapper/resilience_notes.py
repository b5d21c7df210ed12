"""What a span says about retries, timeouts and circuit breakers, in short lines."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from laban import vocabulary
from laban_mapper.names import counted, shortened
from laban_mapper.times import format_duration

_NAME: Final = 60
"""The most characters of a name from a span."""
_NEARLY: Final = 0.9
"""The share of its timeout after which a call that failed may have run into it: clocks are not exact."""
_MOST: Final = 6
"""The most lines of one span."""


class _Event(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def attributes(self) -> Mapping[str, Any]: ...


class _Span(Protocol):
    @property
    def attributes(self) -> Mapping[str, Any]: ...

    @property
    def events(self) -> Sequence[_Event]: ...


def notes_of(span: _Span, failed_after_ms: float | None = None) -> list[str]:
    """The lines, most telling last; none for most spans. Text from spans is shortened, and not yet safe.

    Args:
        span: the span.
        failed_after_ms: how long it took, if it failed: its timeout is told if it was over then.
    """
    timeout = [] if failed_after_ms is None else _timeout(span.attributes, failed_after_ms)
    notes = [*_attempts(span), *timeout, *_breakers(span)]
    if len(notes) <= _MOST:
        return notes
    return [f"{len(notes) - _MOST + 1:,} more changes of circuit breakers before", *notes[1 - _MOST :]]


def _attempts(span: _Span) -> Iterator[str]:
    retries = [event.attributes for event in span.events if event.name == vocabulary.LABAN_RETRY_EVENT]
    if retries:
        last = retries[-1]
        error = last.get(vocabulary.ERROR_TYPE)
        after = f", after {_text(error)}" if error else ""
        library = _text(last.get(vocabulary.LABAN_RETRY_LIBRARY, "?"))
        yield f"{counted(len(retries), 'retry', 'retries')} by {library}{after}"
    elif (number := _attempt(span.attributes)) is not None:
        yield f"attempt {number}"
    for event in span.events:
        if event.name == vocabulary.LABAN_RETRY_EXHAUSTED_EVENT:
            yield f"given up after attempt {_text(event.attributes.get(vocabulary.LABAN_RETRY_ATTEMPT, '?'))}"


def _attempt(attributes: Mapping[str, Any]) -> str | None:
    """Which attempt a call is: as laban says, or as HTTP clients do by the conventions."""
    number = attributes.get(vocabulary.LABAN_RETRY_ATTEMPT)
    if number is not None:
        return _text(number)
    before = attributes.get(vocabulary.HTTP_RESEND_COUNT)
    return str(before + 1) if isinstance(before, int) and before > 0 else None


def _timeout(attributes: Mapping[str, Any], took_ms: float) -> Iterator[str]:
    ms = attributes.get(vocabulary.LABAN_TIMEOUT_MS)
    if isinstance(ms, int | float) and not isinstance(ms, bool) and 0 < ms <= took_ms / _NEARLY:
        is_read = attributes.get(vocabulary.LABAN_TIMEOUT_SCOPE) == vocabulary.TIMEOUT_OF_READ
        yield f"the caller's timeout is {format_duration(ms)}{' for each read' if is_read else ''}"


def _breakers(span: _Span) -> Iterator[str]:
    refused: Counter[str] = Counter()
    for event in span.events:
        attributes = event.attributes
        breaker = f"circuit breaker {_text(attributes.get(vocabulary.LABAN_CIRCUIT_NAME, '(no name)'))}"
        if event.name == vocabulary.LABAN_CIRCUIT_REFUSED_EVENT:
            refused[breaker] += 1
        elif event.name == vocabulary.LABAN_CIRCUIT_CHANGED_EVENT:
            states = (vocabulary.LABAN_CIRCUIT_PREVIOUS_STATE, vocabulary.LABAN_CIRCUIT_STATE)
            before, after = (_text(attributes.get(key, "?")).replace("_", " ") for key in states)
            yield f"{breaker}: {before} → {after}"
    for breaker, calls in refused.items():
        yield f"{breaker} was open and refused {counted(calls, 'call')}"


def _text(value: object) -> str:
    return shortened(str(value), _NAME)
