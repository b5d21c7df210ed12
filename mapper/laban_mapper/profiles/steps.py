"""The steps of a trace: visits of services, calls and published messages, by their path of operations."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Literal

from laban_collector.store.rows import Span
from laban_mapper.spans import (
    CLIENT,
    INTERNAL,
    SERVER,
    UNSPECIFIED,
    failed,
    has_route,
    is_consuming,
    is_publishing,
    is_receiving,
    is_settling,
    operation_of,
)
from laban_mapper.story.causality import Causality
from laban_mapper.story.connection_chatter import is_connection_chatter

StepKind = Literal["visit", "call", "publish"]

_ID: Final = re.compile(r"(?<=/)[^/]*[0-9][^/]*")
"""A part of a path with a digit: probably an ID."""
_DEEPEST: Final = 100
"""Steps below this depth are left out: a chain of messages can continue forever."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of a step in a trace. Times are in ns, by corrected clocks.

    Attributes:
        span: the span of the visit, the call or the publication.
        step: hash of the path of operations.
        above: the occurrence above; None for the entry.
        kind: what it is.
        operation: what the service does, without IDs.
        own: own time of a visit; the whole time of a publication, or of a call whose callee has no span;
            None if unknown.
        gap: the duration of a call without that of its server half; None without a server half.
        wait: the time of the message in the queue; None if unknown, or if no message led here.
        delay: from the begin of the step above.
        failed: whether it failed.
        reply: how long the work on one message took, calls included; None for all but the visit that the
            message led to.
    """

    span: Span
    step: int
    above: "Occurrence | None"
    kind: StepKind
    operation: str
    own: int | None
    gap: int | None
    wait: int | None
    delay: int
    failed: bool
    reply: int | None = None


def operation_without_ids(span: Span) -> str:
    """What the span did, as in a story; IDs in the path of an HTTP request without a route are left out."""
    operation = operation_of(span)
    if span.http_method is not None and not has_route(span):
        return _ID.sub("{}", operation)
    return operation


def own_name(span: Span) -> str:
    """The name of the service, without the namespace that a story may put before it."""
    return span.service.removeprefix(f"{span.namespace}/") if span.namespace else span.service


@lru_cache(maxsize=65_536)
def step_id(
    above: int, namespace: str | None, service: str, operation: str, kind: str, group: str | None
) -> int:
    """The hash of a path of operations."""
    text = "\0".join((f"{above:x}", namespace or "", service, operation, kind, group or ""))
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()) or 1


def entry_id(root: Span) -> int:
    """The entry operation that a root belongs to."""
    return step_id(0, root.namespace, own_name(root), operation_without_ids(root), "visit", root.group)


def occurrences(causality: Causality, root: Span) -> list[Occurrence]:
    """The steps that follow from a root, each after the step above it; the first is the root itself."""
    entry = _occurrence(causality, root, None, "visit", entry_id(root))
    found = [entry]
    waiting = [(entry, span, 1) for span in _relevant(causality, root)]
    while waiting:
        above, span, depth = waiting.pop()
        if depth > _DEEPEST:
            continue
        kind = _kind(span)
        step = step_id(
            above.step, span.namespace, own_name(span), operation_without_ids(span), kind, span.group
        )
        one = _occurrence(causality, span, above, kind, step)
        found.append(one)
        waiting += [(one, below, depth + 1) for below in _relevant(causality, span)]
    return found


def is_entry(root: Span, causality: Causality) -> bool:
    """Whether the traces of a root have a profile of their own.

    A consumer whose message is known to come from another trace is no entry, and neither is a poll.
    """
    if is_receiving(root) or is_settling(root) or is_connection_chatter(root):
        return False
    return not (is_consuming(root) and root.links) and causality.cause(root) is None


def entry_roots(causality: Causality) -> list[Span]:
    """The roots whose traces have a profile of their own.

    A part of a trace whose parent was lost is no entry beside the real root.
    """
    rooted = {root.trace_id for root in causality.roots if not causality.is_orphan(root)}
    return [
        root
        for root in causality.roots
        if is_entry(root, causality) and not (causality.is_orphan(root) and root.trace_id in rooted)
    ]


def _kind(span: Span) -> StepKind:
    if is_publishing(span):
        return "publish"
    return "call" if span.kind == CLIENT else "visit"


def _relevant(causality: Causality, span: Span) -> Iterator[Span]:
    """The nearest steps below a span: internal spans, and polls that a process span follows, are none."""
    waiting = list(reversed(causality.effects(span)))
    while waiting:
        effect = waiting.pop()
        if is_settling(effect) or is_connection_chatter(effect):
            continue
        below = causality.effects(effect)
        inner = effect.kind in {INTERNAL, UNSPECIFIED} and not causality.is_delivery(effect)
        polled = is_receiving(effect) and any(is_consuming(one) for one in below)
        if (inner and effect.service == span.service and not is_publishing(effect)) or polled:
            waiting += reversed(below)
        else:
            yield effect


def _occurrence(
    causality: Causality, span: Span, above: Occurrence | None, kind: StepKind, step: int
) -> Occurrence:
    below = list(_relevant(causality, span))
    server = next((one for one in below if kind == "call" and one.kind == SERVER), None)
    own: int | None = None
    if kind == "visit" and not is_receiving(span):
        own = _uncovered(causality, span, [one for one in below if not causality.is_delivery(one)])
    elif not [one for one in below if kind == "call" or not causality.is_delivery(one)]:
        own = span.duration if kind != "visit" else None
    begin = causality.start(span)
    wait = None
    guessed = causality.clocks.is_guess(span)
    consumes = above is not None and kind == "visit" and causality.is_delivery(span)
    if above is not None and consumes and not guessed:
        wait = max(begin - causality.start(above.span), 0)
    return Occurrence(
        span=span,
        step=step,
        above=above,
        kind=kind,
        operation=operation_without_ids(span),
        own=own,
        gap=max(span.duration - server.duration, 0) if server is not None else None,
        wait=wait,
        delay=0 if above is None or guessed else max(begin - causality.start(above.span), 0),
        failed=failed(span),
        reply=span.duration if consumes and own is not None else None,
    )


def _uncovered(causality: Causality, span: Span, calls: Sequence[Span]) -> int:
    """The time of a span, without the parts in which one of these calls ran."""
    begin, end = causality.start(span), causality.end(span)
    covered = 0
    reached = begin
    for start, stop in _sorted(causality, calls):
        start, stop = max(start, reached), min(stop, end)
        if stop > start:
            covered += stop - start
            reached = stop
    return max(end - begin - covered, 0)


def _sorted(causality: Causality, calls: Iterable[Span]) -> list[tuple[int, int]]:
    return sorted((causality.start(call), causality.end(call)) for call in calls)
