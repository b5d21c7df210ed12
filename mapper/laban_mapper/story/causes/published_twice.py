"""The same message was published twice, and whether its consumers did the work twice."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from laban.vocabulary import MESSAGE_IDS, MESSAGE_SIZES
from laban_collector.store.rows import Span
from laban_mapper.names import listed
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.usual import FEWEST
from laban_mapper.spans import (
    CONSUMER,
    INTERNAL,
    SERVER,
    UNSPECIFIED,
    failed,
    is_publishing,
    is_receiving,
    is_settling,
    operation_of,
)
from laban_mapper.story.causes.counted import by_visit
from laban_mapper.story.causes.facts import Claim, Counted, Facts, usual_step_of
from laban_mapper.story.deliveries import Publication

_LONGEST_ID: Final = 200
"""Characters of an ID; a longer text is content."""


class _Sent(NamedTuple):
    """One publication, with the place from which it was published."""

    publication: Publication
    span: Span
    """With what the carriers know."""
    above: Span | None
    """The visit, or else the root, that published it."""


def published_twice(facts: Facts) -> list[Claim]:
    """Find messages that one step published at two offsets with the same key and the same content."""
    groups: dict[tuple[object, ...], list[_Sent]] = {}
    for publication in facts.causality.messages.publications():
        sent = _Sent(publication, publication.merged(), _visit_above(facts, publication.span))
        identity = _identity(sent)
        if identity is not None and sent.span.topic is not None:
            groups.setdefault(identity, []).append(sent)
    claims: list[Claim] = []
    for identity, same in groups.items():
        distinct = list({_address(one): one for one in same}.values())
        if len(distinct) > 1 and (identity[0] == "id" or not _is_usual(facts, distinct)):
            claims.append(_claim(facts, sorted(distinct, key=lambda one: facts.causality.start(one.span))))
    return claims


def _identity(sent: _Sent) -> tuple[object, ...] | None:
    """What two publications of one content have in common; None if the spans do not tell."""
    span, step = sent.span, (sent.span.service, sent.span.topic, _operation(sent.above))
    about = (sent.publication.span, *sent.publication.carriers, *sent.publication.consumers)
    for key in MESSAGE_IDS:
        for value in _values(about, key):
            if 0 < len(str(value)) <= _LONGEST_ID:
                return ("id", key, value, span.message_key, *step)
    for key in MESSAGE_SIZES if span.message_key is not None else ():
        sizes = set(_values(about, key))
        if len(sizes) == 1:
            return ("size", sizes.pop(), span.message_key, span.trace_id, *step)
    return None


def _values(spans: Iterable[Span], key: str) -> list[object]:
    return [span.attributes[key] for span in spans if key in span.attributes]


def _operation(above: Span | None) -> str:
    return "" if above is None else operation_of(above)


def _address(sent: _Sent) -> tuple[object, ...]:
    """Where a message is. Two sends without an offset may be two attempts at one, unless both arrived."""
    if sent.span.offset is not None:
        return (sent.span.partition, sent.span.offset)
    arrived = sent.publication.consumers and not failed(sent.span)
    return ("arrived", id(sent.publication.span)) if arrived else ("unknown",)


def _is_usual(facts: Facts, sent: Sequence[_Sent]) -> bool:
    """Whether the step usually publishes that often in a trace: a message for each item of an order."""
    for one in sent:
        for span in (one.publication.span, *one.publication.carriers):
            place, known = facts.step_of(span), usual_step_of(span, facts)
            if place is not None and known is not None and known.ok >= FEWEST:
                most = max((bucket for bucket, _ in known.sketch(Measure.VISITS).buckets()), default=0)
                return sum(other.step == place[1].step for other in facts.steps[place[0]]) <= most
    return False


def _visit_above(facts: Facts, span: Span) -> Span | None:
    above: Span | None = None
    for above in facts.causality.ancestors(span):
        if above.kind in {SERVER, CONSUMER}:
            return above
    return above


def _claim(facts: Facts, sent: Sequence[_Sent]) -> Claim:
    first = sent[0].span
    offsets = listed([_place(one.span, several=_several_partitions(sent)) for one in sent])
    times = "twice" if len(sent) == 2 else f"{len(sent)} times"
    twice, skipped = _consumers(facts, sent)
    where = f" (offsets {offsets})" if all(one.span.offset is not None for one in sent) else ""
    sentence = f"{first.service} published the same message to {first.topic} {times}{where}"
    if twice:
        sentence += f"; {listed(list(twice))} did the work {times}"
    if skipped:
        sentence += f"; {listed(skipped)} skipped the repetition"
    repeated = [span for spans in twice.values() for span in spans]
    return Claim(
        kind="published_twice",
        service=first.service,
        operation=f"publish {first.topic}",
        sentence=sentence,
        spans=tuple(one.publication.span for one in sent),
        explains=tuple(repeated),
        weight=float(len(sent)),
        counted=_counted(facts, sent[0]),
    )


def _counted(facts: Facts, sent: _Sent) -> Counted | None:
    """Where the messages of the step are counted in all traces."""
    if sent.above is None or sent.span.topic is None:
        return None
    return by_visit(sent.above, (f"topic:{sent.span.topic}",), facts.causality)


def _several_partitions(sent: Sequence[_Sent]) -> bool:
    return len({one.span.partition for one in sent}) > 1


def _place(span: Span, *, several: bool) -> str:
    return f"{span.offset} in partition {span.partition}" if several else str(span.offset)


def _consumers(facts: Facts, sent: Sequence[_Sent]) -> tuple[dict[str, list[Span]], list[str]]:
    """The consumers that did the work again, each with the spans of the repetition; those that skipped it.

    A consumer below whose spans nothing ever happens does not show whether it did anything.
    """
    first, *repetitions = [_effects_by_service(facts, one) for one in sent]
    twice: dict[str, list[Span]] = {}
    skipped: list[str] = []
    for service, (_, effects) in first.items():
        again = [found[service] for found in repetitions if service in found]
        if not effects or not again:
            continue
        spans = [span for one, below in again if below >= effects for span in one]
        if spans:
            twice[service] = spans
        elif all(not below for _, below in again):
            skipped.append(service)
    return twice, skipped


def _effects_by_service(facts: Facts, sent: _Sent) -> dict[str, tuple[list[Span], Counter[str]]]:
    """By consumer, its spans and what happened below them: calls and publications."""
    found: dict[str, tuple[list[Span], Counter[str]]] = {}
    for consumer in sent.publication.consumers:
        spans, effects = found.setdefault(consumer.service, ([], Counter()))
        if is_receiving(consumer) and len(sent.publication.consumers) > 1 and len(consumer.links) > 1:
            continue  # a poll of many messages
        spans.append(consumer)
        effects.update(
            _worked(below)
            for below in facts.causality.below(consumer, across_messages=False)
            if _is_effect(below)
        )
    return found


def _worked(span: Span) -> str:
    return f"{span.service} {operation_of(span)}"


def _is_effect(span: Span) -> bool:
    return is_publishing(span) or not (
        span.kind in {INTERNAL, UNSPECIFIED, CONSUMER} or is_settling(span) or is_receiving(span)
    )
