"""How an order went: what failed for good, and the outcome."""

from collections.abc import Iterable, Sequence

from laban_collector.store.rows import Span
from laban_mapper.model import Outcome
from laban_mapper.spans import CLIENT, SERVER, failed, operation_of
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.facts import Facts
from laban_mapper.story.messages import Published, is_dead_letter
from laban_mapper.story.poison_messages import Poison

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def entry_of(causality: Causality) -> Span:
    """The first request that changes something, or else the first root; if it was retried, the success."""
    servers = [span for span in causality.roots if span.kind == SERVER]
    writing = [span for span in servers if span.http_method not in _READING]
    first = (writing or servers or causality.roots)[0]
    if not failed(first):
        return first
    return next((span for span in servers if _is_success_after(first, span, causality)), first)


def failures_of(
    entry: Span, causality: Causality, messages: Sequence[Published], poison: Sequence[Poison]
) -> list[Span]:
    """What failed for good, the most important first: the entry, other requests, consumers that gave up.

    A failed request that succeeded later (the same operation again) is not a failure; nor is a message that
    nobody could read, if the order does not lack it.
    """
    requests = [span for span in causality.roots if _is_request(span, causality) and span is not entry]
    good: dict[tuple[str, str], int] = {}
    for span in (entry, *requests):
        if not failed(span):
            good[_place(span)] = max(causality.start(span), good.get(_place(span), 0))
    found = [
        span
        for span in (entry, *requests)
        if failed(span) and good.get(_place(span), -1) < causality.end(span)
    ]
    spared = {id(one.published) for one in poison if one.travelled}
    read = [published for published in messages if id(published) not in spared]
    return found + sorted(_given_up(read), key=causality.start)


def outcome_of(facts: Facts) -> Outcome:
    """The outcome; of several that apply, the first: failed, waiting, incomplete, ok_with_errors, ok.

    An error that was caught and handled, or a failed attempt before one that succeeded, is not a failure of
    the order. The verdict tells these errors with each of the other outcomes.
    """
    if facts.failed:
        return "failed"
    causality, messages = facts.causality, facts.messages
    states = {delivery.state.state for message in messages for delivery in message.deliveries}
    if "waiting" in states:
        return "waiting"
    unread = any(is_unread(message) for message in messages)
    if states & {"untraced", "unseen"} or unread or lost_parents(causality):
        return "incomplete"
    errors = facts.poison or any(failed(span) for span in causality.spans)
    return "ok_with_errors" if errors else "ok"


def is_unread(message: Published) -> bool:
    """Whether no consumer of a message is known that should have read it."""
    return not message.deliveries and not is_dead_letter(message.message.topic)


def lost_parents(causality: Causality) -> int:
    """How many spans have a parent that is not in the story."""
    return sum(causality.is_orphan(span) for span in causality.roots)


def _is_request(span: Span, causality: Causality) -> bool:
    return span.kind == SERVER or (span.kind == CLIENT and not causality.is_orphan(span))


def _place(span: Span) -> tuple[str, str]:
    return span.service, operation_of(span)


def _is_success_after(span: Span, later: Span, causality: Causality) -> bool:
    after = causality.start(later) >= causality.end(span)
    return after and not failed(later) and _place(later) == _place(span)


def _given_up(messages: Sequence[Published]) -> Iterable[Span]:
    for published in messages:
        for delivery in published.deliveries:
            if delivery.state.state in {"failed", "dead-lettered"}:
                yield delivery.attempts[-1]
