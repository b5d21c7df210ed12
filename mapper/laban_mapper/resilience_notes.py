"""What a span of a trace says about retries and circuit breakers, in short lines."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from laban import vocabulary
from laban_app.cli.terminal import count
from laban_mapper.names import shortened
from laban_mapper.trace import TraceSpan

_NAME: Final = 60
"""The most characters of a name from a span."""


def notes_of(span: TraceSpan) -> list[str]:
    """The lines, most telling last; none for most spans. Text from spans is shortened, and not yet safe."""
    return [*_attempts(span), *_breakers(span)]


def _attempts(span: TraceSpan) -> Iterator[str]:
    retries = [event.attributes for event in span.events if event.name == vocabulary.LABAN_RETRY_EVENT]
    exhausted = [
        event.attributes for event in span.events if event.name == vocabulary.LABAN_RETRY_EXHAUSTED_EVENT
    ]
    number = span.attributes.get(vocabulary.LABAN_RETRY_ATTEMPT)
    if retries:
        last = retries[-1]
        error = last.get(vocabulary.ERROR_TYPE)
        retried = "1 retry" if len(retries) == 1 else f"{len(retries):,} retries"
        after = f", after {_text(error)}" if error else ""
        yield f"{retried} by {_text(last.get(vocabulary.LABAN_RETRY_LIBRARY, '?'))}{after}"
    elif number is not None:
        yield f"attempt {_text(number)}"
    for event in exhausted:
        yield f"given up after attempt {_text(event.get(vocabulary.LABAN_RETRY_ATTEMPT, '?'))}"


def _breakers(span: TraceSpan) -> Iterator[str]:
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
        yield f"{breaker} was open and refused {count(calls, 'call')}"


def _text(value: object) -> str:
    return shortened(str(value), _NAME)
