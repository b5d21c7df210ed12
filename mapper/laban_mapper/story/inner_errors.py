"""Errors that did not fail the order: something above them went well, or a later attempt did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.names import shortened
from laban_mapper.spans import error_of, failed, operation_of
from laban_mapper.story.causality import Causality

_SHOWN: Final = 2

_Place = tuple[int, str, str]
"""The cause (its id), the service and the operation of a span."""


@dataclass(slots=True)
class Attempts:
    """Failed attempts to do the same thing.

    Attributes:
        first: the first of them.
        ended: the end of the last one, ns.
        origin: the span where the last one began to fail.
        count: how many failed.
        success: the attempt that succeeded in the end; None if none did.
    """

    first: Span
    ended: int
    origin: Span
    count: int = 0
    success: Span | None = None


def inner_errors(causality: Causality, covered: Iterable[Span]) -> list[Attempts]:
    """Each kind of error: where it began, how often, and whether a later attempt succeeded.

    Args:
        causality: the spans.
        covered: failed spans that are told elsewhere, with everything that their services did for them.
    """
    found: dict[_Place, Attempts] = {}
    for span, top in _outermost(causality, {id(span) for span in covered}):
        attempts = found.setdefault(_place(top, causality), Attempts(top, causality.end(top), top))
        if span is top:
            attempts.count += 1
            attempts.ended = max(attempts.ended, causality.end(top))
        # Causes come before effects, so the last span is where the last attempt began to fail.
        attempts.origin = span
    if found:
        _add_successes(causality, found)
    return list(found.values())


def told(errors: Sequence[Attempts]) -> list[str]:
    """A clause for each kind of error that no later attempt made good."""
    clauses = [_clause(attempts) for attempts in errors if attempts.success is None]
    return clauses[:_SHOWN] + _and_more(len(clauses) - _SHOWN)


def _outermost(causality: Causality, told: set[int]) -> list[tuple[Span, Span]]:
    """Each failed span that is not told elsewhere, with the outermost span that failed because of it."""
    top: dict[int, Span] = {}
    found = []
    for span in causality.spans:
        cause = causality.cause(span)
        called = cause is not None and not causality.is_delivery(span)
        if called and id(cause) in told:
            told.add(id(span))
        if failed(span) and id(span) not in told:
            top[id(span)] = top.get(id(cause), span) if called else span
            found.append((span, top[id(span)]))
    return found


def _place(span: Span, causality: Causality) -> _Place:
    cause = causality.cause(span)
    return (id(cause) if cause is not None else 0, span.service, operation_of(span))


def _add_successes(causality: Causality, found: dict[_Place, Attempts]) -> None:
    """Note the first attempt at the same place that began after the last failed one, and succeeded."""
    causes = {place[0] for place in found}
    for span in causality.spans:
        cause = causality.cause(span)
        if (id(cause) if cause is not None else 0) in causes and not failed(span):
            attempts = found.get(_place(span, causality))
            waits = attempts is not None and attempts.success is None
            if attempts is not None and waits and causality.start(span) >= attempts.ended:
                attempts.success = span


def _clause(attempts: Attempts) -> str:
    origin = attempts.origin
    times = "" if attempts.count == 1 else f" {attempts.count:,} times"
    where = f"{shortened(origin.service)} {shortened(operation_of(origin))}"
    return f"{where} failed{times} ({error_of(origin) or 'error'})"


def _and_more(count: int) -> list[str]:
    if count <= 0:
        return []
    return ["1 more kind of error"] if count == 1 else [f"{count:,} more kinds of errors"]
