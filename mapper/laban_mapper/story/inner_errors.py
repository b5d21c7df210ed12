"""Errors that did not fail the order: something above them went well, or a later attempt did."""

from collections.abc import Iterable
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
class _Attempts:
    """Failed attempts to do the same thing.

    Attributes:
        first: the first of them.
        last_start: the start of the last one, ns.
        origin: the span where the last one began to fail.
        count: how many failed.
    """

    first: Span
    last_start: int
    origin: Span
    count: int = 0


def inner_errors(causality: Causality, covered: Iterable[Span]) -> list[str]:
    """A clause for each kind of error: where it began, how often, and whether a later attempt succeeded.

    Args:
        causality: the spans.
        covered: failed spans that are told elsewhere, with everything that their services did for them.
    """
    told = {id(span) for span in covered}
    tops = _outermost(causality, told)
    if not tops:
        return []
    found: dict[_Place, _Attempts] = {}
    for span, top in tops:
        attempts = found.setdefault(_place(top, causality), _Attempts(top, causality.start(top), top))
        if span is top:
            attempts.count += 1
            attempts.last_start = causality.start(top)
        # Causes come before effects, so the last span is where the last attempt began to fail.
        attempts.origin = span
    succeeded = _succeeded(causality, found)
    clauses = [_clause(attempts, retried=place in succeeded) for place, attempts in found.items()]
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


def _succeeded(causality: Causality, found: dict[_Place, _Attempts]) -> set[_Place]:
    """The places where a span succeeded after the last one that failed."""
    causes = {place[0] for place in found}
    succeeded = set()
    for span in causality.spans:
        cause = causality.cause(span)
        if (id(cause) if cause is not None else 0) in causes and not failed(span):
            place = _place(span, causality)
            attempts = found.get(place)
            if attempts is not None and causality.start(span) > attempts.last_start:
                succeeded.add(place)
    return succeeded


def _clause(attempts: _Attempts, *, retried: bool) -> str:
    origin, first = attempts.origin, attempts.first
    where = f"{shortened(origin.service)} {shortened(operation_of(origin))}"
    why = error_of(origin) or "error"
    if not retried:
        times = "" if attempts.count == 1 else f" {attempts.count:,} times"
        return f"{where} failed{times} ({why})"
    if operation_of(origin) != operation_of(first):
        why = f"{where}: {why}"
    count = "1 failed attempt" if attempts.count == 1 else f"{attempts.count:,} failed attempts"
    return f"{shortened(first.service)} {shortened(operation_of(first))} succeeded after {count} ({why})"


def _and_more(count: int) -> list[str]:
    if count <= 0:
        return []
    return ["1 more kind of error"] if count == 1 else [f"{count:,} more kinds of errors"]
