"""Messages of one key were processed, or published, in another order than they should be."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from laban_collector.store.rows import Span
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.profiles.usual import FEWEST, UsualStep
from laban_mapper.spans import CONSUMER, NS_PER_MS, SERVER, operation_of
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.comparing import examples_of, limit_of, milliseconds
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.deliveries import Publication
from laban_mapper.story.messages import Published


class _Sent(NamedTuple):
    published: Published
    span: Span


def out_of_order(facts: Facts) -> list[Claim]:
    """Find keys whose messages were processed in another order, and messages that were published late."""
    claims: list[Claim] = []
    for sent in _by_key(facts):
        claims += _processed(sent, facts.causality)
        claims += _in_other_partitions(sent)
        claims += _overtaken(sent, facts.causality)
    return claims + list(_after_the_end(facts)) + list(_swapped(facts))


def _by_key(facts: Facts) -> list[list[_Sent]]:
    """The messages of each key and topic, in the order of their publication."""
    spans = _publications(facts.causality)
    found: dict[tuple[str, str], list[_Sent]] = {}
    for published in facts.messages:
        message = published.message
        span = spans.get((message.topic, message.partition, message.offset))
        if message.key is not None and message.offset is not None and span is not None:
            found.setdefault((message.topic, message.key), []).append(_Sent(published, span))
    return [sorted(sent, key=lambda one: one.span.start) for sent in found.values() if len(sent) > 1]


def _publications(causality: Causality) -> dict[tuple[str | None, int | None, int | None], Span]:
    merged = [_merged(publication) for publication in causality.messages.publications()]
    return {(told.topic, told.partition, told.offset): span for told, span in merged}


def _merged(publication: Publication) -> tuple[Span, Span]:
    return publication.merged(), publication.span


def _processed(sent: Sequence[_Sent], causality: Causality) -> Iterator[Claim]:
    """A group that began with a later message before it had begun with an earlier one."""
    begun: dict[str, list[tuple[_Sent, Span]]] = {}
    for one in sent:
        for delivery in one.published.deliveries:
            if delivery.attempts and len({span.service for span in delivery.attempts}) == 1:
                first = min(delivery.attempts, key=lambda span: span.start)
                begun.setdefault(delivery.state.group, []).append((one, first))
    for found in begun.values():
        for (earlier, first), (later, second) in pairwise(found):
            if _was_before(earlier, later) and _began_before(second, first, (earlier, later), causality):
                yield _processed_claim((earlier, first), (later, second))
                break


def _began_before(one: Span, other: Span, sent: tuple[_Sent, _Sent], causality: Causality) -> bool:
    """Whether a consumption began before another.

    Where the clock of the group is unknown, one member reads a partition, and so it is one clock.
    """
    if not (causality.clocks.is_guess(one) or causality.clocks.is_guess(other)):
        return causality.start(one) < causality.start(other)
    return (
        sent[0].published.message.partition == sent[1].published.message.partition and one.start < other.start
    )


def _was_before(one: _Sent, other: _Sent) -> bool:
    """Whether a message is known to come before another: by offset, or by the clock of one publisher."""
    first, second = one.published.message, other.published.message
    if first.partition == second.partition:
        return (first.offset or 0) < (second.offset or 0)
    return one.span.service == other.span.service and one.span.end <= other.span.start


def _processed_claim(earlier: tuple[_Sent, Span], later: tuple[_Sent, Span]) -> Claim:
    first, second = earlier[0].published.message, later[0].published.message
    apart = first.partition != second.partition
    service = earlier[0].span.service if apart else earlier[1].service
    places = f"{_place(earlier[0])} after {_place(later[0])}"
    sentence = f"{earlier[1].service} processed {places} of {first.topic}, but they were published in order"
    if apart:
        sentence = (
            f"{service} published messages with key {first.key} to partitions {first.partition} and "
            f"{second.partition} of {first.topic}; {earlier[1].service} processed the later one first"
        )
    return Claim(
        kind="out_of_order",
        service=service,
        operation=f"publish {first.topic}" if apart else f"process {first.topic}",
        sentence=sentence,
        spans=(later[1], earlier[1]) if not apart else (later[0].span, later[1], earlier[1]),
        explains=(later[1], earlier[1]),
        weight=2.0,
    )


def _place(one: _Sent) -> str:
    return f"offset {one.published.message.offset}"


def _in_other_partitions(sent: Sequence[_Sent]) -> Iterator[Claim]:
    """Messages of one key and one publisher in several partitions: nothing keeps their order."""
    by_service: dict[str, list[_Sent]] = {}
    for one in sent:
        by_service.setdefault(one.span.service, []).append(one)
    for service, found in by_service.items():
        partitions = list(dict.fromkeys(str(one.published.message.partition) for one in found))
        if len(partitions) > 1:
            message = found[0].published.message
            yield Claim(
                kind="out_of_order",
                service=service,
                operation=f"publish {message.topic}",
                sentence=f"{service} published messages with key {message.key} to partitions "
                f"{' and '.join(partitions)} of {message.topic}, so nothing keeps their order",
                spans=tuple(one.span for one in found),
                weight=1.0,
            )


def _overtaken(sent: Sequence[_Sent], causality: Causality) -> Iterator[Claim]:
    """A message that a service published for one request after that of a later request.

    The offsets tell which message came first, and the requests did not overlap: no clock of two machines is
    compared, except to see which request was the earlier one.
    """
    latest: dict[tuple[str, int | None], tuple[_Sent, Span]] = {}
    for one in sorted(sent, key=lambda one: one.published.message.offset or 0):
        request = _request_above(one.span, causality)
        if request is None:
            continue
        place = (one.span.service, one.published.message.partition)
        before = latest.get(place)
        if before is not None and causality.end(request) <= causality.start(before[1]):
            yield _overtaken_claim((one, request), before)
            return
        if before is None or causality.start(request) > causality.start(before[1]):
            latest[place] = (one, request)


def _request_above(span: Span, causality: Causality) -> Span | None:
    return next((above for above in causality.ancestors(span) if above.kind in {SERVER, CONSUMER}), None)


def _overtaken_claim(earlier: tuple[_Sent, Span], later: tuple[_Sent, Span]) -> Claim:
    sent, span = earlier[0], earlier[0].span
    return Claim(
        kind="out_of_order",
        service=span.service,
        operation=f"publish {sent.published.message.topic}",
        sentence=f"{span.service} published {_place(sent)} of {sent.published.message.topic} for "
        f"{operation_of(earlier[1])} after {_place(later[0])} for the later {operation_of(later[1])}",
        spans=(span, later[0].span, earlier[1], later[1]),
        explains=(span,),
        weight=2.0,
    )


def _after_the_end(facts: Facts) -> Iterator[Claim]:
    """A message that was published after its request had ended, although that is usually done before."""
    for root, steps in facts.steps.items():
        usual = facts.usual.get(root)
        for one in steps if usual is not None else ():
            above, known = one.above, usual.step(one.step) if usual is not None else None
            if one.kind != "publish" or one.failed or above is None or known is None:
                continue
            late = facts.causality.start(one.span) - facts.causality.end(above.span)
            limit = limit_of(known, Measure.DELAY)
            if late > NS_PER_MS and limit is not None and one.delay > limit and not above.failed:
                yield _late_claim(one, above, known)


def _late_claim(one: Occurrence, above: Occurrence, known: UsualStep) -> Claim:
    sketch, examples = known.sketch(Measure.DELAY), examples_of(known, Measure.DELAY)
    service = one.span.service
    return Claim(
        kind="out_of_order",
        service=service,
        operation=one.operation,
        sentence=f"{service} published to {one.span.topic} {milliseconds(one.delay)} after {above.operation} "
        f"began, when that had ended; usually after {milliseconds(sketch.median)} ({examples:,} traces)",
        spans=(one.span, above.span),
        explains=(one.span,),
        usual=sketch.median / NS_PER_MS,
        examples=examples,
        weight=2.0,
    )


def _swapped(facts: Facts) -> Iterator[Claim]:
    """Two messages that one step published in the other order than all examples."""
    for root, steps in facts.steps.items():
        usual = facts.usual.get(root)
        if usual is None:
            continue
        by_above: dict[int, list[Occurrence]] = {}
        for one in steps:
            if one.kind == "publish" and one.above is not None:
                by_above.setdefault(id(one.above), []).append(one)
        for same in by_above.values():
            same.sort(key=lambda one: one.delay)
            for first, second in pairwise(same):
                known = usual.step(first.step), usual.step(second.step)
                if known[0] is not None and known[1] is not None and _always_after(known[0], known[1]):
                    yield _swapped_claim(first, second, known[0].ok)


def _always_after(one: UsualStep, other: UsualStep) -> bool:
    """Whether a step always begins after another: its shortest delay exceeds the other's longest."""
    late, early = one.sketch(Measure.DELAY), other.sketch(Measure.DELAY)
    return (
        min(one.ok, other.ok, late.count, early.count) >= FEWEST and late.quantile(0.0) > early.longest * 1.1
    )


def _swapped_claim(first: Occurrence, second: Occurrence, examples: int) -> Claim:
    service = first.span.service
    return Claim(
        kind="out_of_order",
        service=service,
        operation=first.operation,
        sentence=f"{service} published to {first.span.topic} before {second.span.topic}; usually after it "
        f"({examples:,} traces)",
        spans=(first.span, second.span),
        explains=(second.span,),
        examples=examples,
        weight=2.0,
    )
