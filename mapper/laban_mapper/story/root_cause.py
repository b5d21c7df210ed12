"""Finds where a failure began: the deepest failed span below the span that failed."""

from collections.abc import Iterator
from dataclasses import dataclass

from laban_collector.store.rows import Span
from laban_mapper.spans import CLIENT, INTERNAL, SERVER, UNSPECIFIED, failed, is_cancelled
from laban_mapper.story.causality import Causality


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a failure began.

    Attributes:
        deepest: the deepest failed span.
        chain: the spans that failed because of it, from itself up to the request or the consumption.
        server: the server half of a failed call that itself reported no error.
    """

    deepest: Span
    chain: tuple[Span, ...]
    server: Span | None = None


def origin_of(span: Span, causality: Causality) -> Origin:
    """Follow the errors down through synchronous calls to the deepest one.

    Args:
        span: a failed span, or a span whose failure was caught (a dead-lettered message).
        causality: the spans around it.
    """
    deepest = _deepest(span, causality)
    return Origin(deepest, tuple(_up_to(span, deepest, causality)), server_half(deepest, causality))


def server_half(span: Span, causality: Causality) -> Span | None:
    """The server span of a call; None if it sent none, or if the span is no call."""
    if span.kind != CLIENT:
        return None
    return next((effect for effect in causality.effects(span) if effect.kind == SERVER), None)


def _deepest(span: Span, causality: Causality) -> Span:
    """The deepest failed effect; of several, the last one to end, because the caller gave up on that one."""
    failing = _failing(span, causality)
    while True:
        calls = [effect for effect in causality.effects(span) if not causality.is_delivery(effect)]
        errors = [call for call in calls if id(call) in failing]
        if not errors:
            return span
        span = max(_not_cut_off(errors, causality), key=lambda call: (failed(call), causality.end(call)))


def _not_cut_off(errors: list[Span], causality: Causality) -> list[Span]:
    """Without the calls that were cancelled while, or because, another one failed."""
    real = [call for call in errors if not is_cancelled(call)]
    return [
        call
        for call in errors
        if not is_cancelled(call)
        or not any(causality.start(call) <= causality.end(other) <= causality.end(call) for other in real)
    ]


def _failing(span: Span, causality: Causality) -> set[int]:
    """The ids of the spans below that failed, and of internal spans with such a span below them."""
    below = list(causality.below(span, across_messages=False))
    inside: set[int] = set()
    for effect in reversed(below):
        if failed(effect) or id(effect) in inside:
            inside.add(id(effect))
            inside.add(id(causality.cause(effect)))
    return {
        id(effect)
        for effect in below
        if failed(effect) or (effect.kind in {UNSPECIFIED, INTERNAL} and id(effect) in inside)
    }


def _up_to(span: Span, deepest: Span, causality: Causality) -> Iterator[Span]:
    yield deepest
    if deepest is not span:
        for above in causality.ancestors(deepest):
            yield above
            if above is span:
                break
