"""What a span says about retries and circuit breakers, in short lines."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from laban import vocabulary
from laban_mapper.names import counted, shortened

_NAME: Final = 60
"""The most characters of a name from a span."""
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


def notes_of(span: _Span) -> list[str]:
    """The lines, most telling last; none for most spans. Text from spans is shortened, and not yet safe."""
    notes = [*_attempts(span), *_breakers(span)]
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
