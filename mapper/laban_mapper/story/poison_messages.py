"""Finds poison: messages that no group could read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.spans import CLIENT, error_kinds_of, is_publishing
from laban_mapper.story.causality import Causality
from laban_mapper.story.messages import Delivery, Published, is_dead_letter

_UNREADABLE: Final = re.compile(
    r"(un|not |in)decod|decod(e|ing)|deseriali[sz]|unmarshal|unpars|pars(e|ing)|malformed|corrupt"
    r"|(not|invalid) (valid )?(json|xml|avro|utf|event|message)|json(decode|parse|mapping|syntax)"
    r"|invalid(protocolbuffer|format|wire)|unexpected (token|character|end)|magic byte|schema"
    r"|validationerror",
    re.IGNORECASE,
)
_BAD: Final = frozenset({"failed", "dead-lettered"})
_DONE: Final = frozenset({"processed", "retried", "duplicated"})


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that no group could read.

    Attributes:
        published: the message.
        publisher: the span that published it.
        attempts: the spans that tried to read it.
        travelled: whether the same publisher also published a message to the same topic that could be read:
            then the order does not lack anything.
    """

    published: Published
    publisher: Span
    attempts: tuple[Span, ...]
    travelled: bool


def poison_of(messages: Sequence[Published], causality: Causality) -> list[Poison]:
    """The messages that no group could read, among all messages of a story."""
    processed = _groups_by_place(messages, _DONE)
    may_process = _groups_by_place(messages, {*_DONE, "waiting", "unseen", "untraced"})
    found: list[Poison] = []
    for published in messages:
        if _is_unreadable(published, processed, causality):
            publisher = next(_publishers(published, causality), None)
            if publisher is not None:
                attempts = (attempt for delivery in published.deliveries for attempt in delivery.attempts)
                travelled = _groups(published) <= may_process.get(_place(published), set())
                found.append(Poison(published, publisher, tuple(attempts), travelled))
    return found


def _is_unreadable(
    published: Published, processed: Mapping[tuple[str, str], set[str]], causality: Causality
) -> bool:
    """Whether every group that consumed a message failed at once, and what it says is about reading it.

    Several groups that fail for other reasons are proof too, if they processed another message.
    """
    read = [delivery for delivery in published.deliveries if delivery.attempts]
    if not read or is_dead_letter(published.message.topic):
        return False
    if any(delivery.state.state not in _BAD for delivery in read):
        return False
    if any(_did_something(attempt, causality) for delivery in read for attempt in delivery.attempts):
        return False
    if all(_says_unreadable(delivery) for delivery in read):
        return True
    return len(read) > 1 and _groups(published) <= processed.get(_place(published), set())


def _says_unreadable(delivery: Delivery) -> bool:
    kinds = " ".join(error_kinds_of(attempt) for attempt in delivery.attempts)
    return _UNREADABLE.search(f"{kinds} {delivery.state.error or ''}") is not None


def _did_something(attempt: Span, causality: Causality) -> bool:
    """Whether a consumer called or published anything but a dead letter: then it had read the message."""
    return any(
        below.kind == CLIENT or is_publishing(below)
        for below in causality.below(attempt, across_messages=False)
        if not is_publishing(below) or not is_dead_letter(below.topic or "")
    )


def _groups_by_place(
    messages: Sequence[Published], states: AbstractSet[str]
) -> dict[tuple[str, str], set[str]]:
    """By topic and publisher, the groups with a message in one of these states."""
    found: dict[tuple[str, str], set[str]] = {}
    for published in messages:
        groups = {state.group for state in published.message.groups if state.state in states}
        found.setdefault(_place(published), set()).update(groups)
    return found


def _place(published: Published) -> tuple[str, str]:
    return published.message.topic, published.message.service


def _groups(published: Published) -> set[str]:
    """The groups that consumed a message."""
    return {delivery.state.group for delivery in published.deliveries if delivery.attempts}


def _publishers(published: Published, causality: Causality) -> Iterator[Span]:
    message = published.message
    for delivery in published.deliveries:
        for attempt in delivery.attempts:
            for span in causality.messages.publishers(attempt):
                if None in (span.offset, message.offset) or (span.partition, span.offset) == (
                    message.partition,
                    message.offset,
                ):
                    yield span
