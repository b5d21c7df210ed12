"""A step that nearly all comparable traces have is absent."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from laban.vocabulary import RPC_GRPC_STATUS_CODE
from laban_collector.store.rows import Span
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.steps import Occurrence, own_name
from laban_mapper.profiles.usual import FEWEST, Usual, UsualStep
from laban_mapper.spans import NS_PER_MS, NS_PER_S
from laban_mapper.story.causes.comparing import milliseconds
from laban_mapper.story.causes.counted import by_message, by_visit, service_node
from laban_mapper.story.causes.facts import Claim, Counted, Facts
from laban_mapper.times import utc_time

_NEARLY_ALL: Final = 0.95
"""The share of comparable traces that have a step from which on it is missing if it is absent."""
_CHANCE: Final = 0.005
"""The share of usual traces that may lack a step by chance and still be called incomplete."""
_CONFIDENCE: Final = 1.645
"""How many standard deviations the share of traces with a step may be lower than it seems: one-sided 95 %.
If all of 26 examples have it, as many as 10 % of all traces may lack it; if all of 52 have it, not 5 %."""
_PATIENCE: Final = 3
"""How many times the longest usual delay passes before a step is missing and not only late."""
_MOST: Final = 50
"""Claims after which a story has enough."""
_PUBLISH: Final = "publish "
_EXPORT: Final = 10 * NS_PER_S
"""How long spans may take from their end until they are stored: exporters collect them for 5 s."""


def missing(facts: Facts) -> list[Claim]:
    """Find the topmost steps that nearly all comparable traces have, and this one does not."""
    if facts.now is None or facts.truncated:
        return []
    claims: list[Claim] = []
    orphans = [root for root in facts.causality.roots if facts.causality.is_orphan(root)]
    lost = {root.trace_id for root in orphans}
    for root, steps in facts.steps.items():
        usual = facts.usual.get(root)
        if usual is None or usual.examples < FEWEST or not steps or len(claims) >= _MOST:
            continue
        if any(_lost_spans(steps, trace, orphans) for trace in lost & {one.span.trace_id for one in steps}):
            continue
        present = Counter(one.step for one in steps)
        for one, absent in _absent(facts, steps, usual, present):
            if _is_due(facts, one, absent, usual) and not _explained(facts, one, absent):
                claims.append(_claim(facts, one, absent, usual, present[absent.about.step]))
    return claims


def _lost_spans(steps: Sequence[Occurrence], trace: str, orphans: Sequence[Span]) -> bool:
    """Whether spans of a trace are known to be lost: then an absent step proves nothing.

    The caller of the entry itself may be outside of what is traced.
    """
    return any(root.trace_id == trace and root is not steps[0].span for root in orphans)


def _absent(
    facts: Facts, steps: Sequence[Occurrence], usual: Usual, present: Counter[int]
) -> Iterator[tuple[Occurrence, UsualStep]]:
    """The steps that are absent, or too few, below a step that went as usual, and that step."""
    below: dict[int, list[Occurrence]] = {}
    for one in steps:
        if one.above is not None:
            below.setdefault(id(one.above), []).append(one)
    told: set[int] = set()
    for one in steps:
        known = usual.step(one.step)
        if known is None or known.ok < FEWEST or not _as_usual(one, below.get(id(one), ()), usual):
            continue
        for step in known.below:
            if step.about.step in told or not _can_be_told(one, step):
                continue
            now = present[step.about.step]
            too_few = now and not _is_too_few(known, present[one.step]) and _is_too_few(step, now)
            if too_few or (not now and _is_expected(facts, one, known, step)):
                told.add(step.about.step)
                yield one, step


def _is_expected(facts: Facts, one: Occurrence, known: UsualStep, step: UsualStep) -> bool:
    """Whether a step is in nearly all examples, and its absence here is not simply one of the others.

    If some examples lack the step, or if they are too few to tell that hardly any trace does, only a service
    that has been silent since shows that more happened.
    """
    seen, of = _counts(known, step)
    share = seen / of if of else 0.0
    if share < _NEARLY_ALL:
        return False
    is_known = 1 - share <= _CHANCE and _least_share(share, of) >= _NEARLY_ALL
    return is_known or _is_silent(facts, one, step)


def _counts(known: UsualStep, step: UsualStep) -> tuple[int, int]:
    """In how many examples a step follows, and in how many it could.

    A visit that declined, as with HTTP 404, goes well, but the call above it did not: it is no example of how
    it goes on. If more visits go on than calls went well, some calls were given up, and all visits count.
    """
    seen, went_well = step.sketch(Measure.SEEN).count, known.sketch(Measure.SEEN).count
    of = went_well if known.about.kind == "visit" and seen <= went_well < known.ok else known.ok
    return min(seen, of), of


def _least_share(share: float, examples: int) -> float:
    """The lowest share that examples with this share leave likely: the bound of Wilson's interval."""
    square = _CONFIDENCE**2
    middle = share + square / (2 * examples)
    spread = _CONFIDENCE * math.sqrt(share * (1 - share) / examples + square / (4 * examples**2))
    return (middle - spread) / (1 + square / examples)


def _is_too_few(step: UsualStep, now: int) -> bool:
    """Whether nearly all examples that have the step have it more often."""
    visits = step.sketch(Measure.VISITS)
    more = sum(traces for times, traces in visits.buckets() if times > now)
    if visits.count < FEWEST or more < (1 - _CHANCE) * visits.count:
        return False
    return _least_share(more / visits.count, visits.count) >= _NEARLY_ALL


def _as_usual(one: Occurrence, below: Sequence[Occurrence], usual: Usual) -> bool:
    """Whether a step did not fail, was not declined, and took no way that others never take.

    What a service leaves out because a call of it failed or was declined follows from that.
    """
    if one.failed or _declined(one.span):
        return False
    if any(call.failed or _declined(call.span) for call in below):
        return False
    return all(usual.step(call.step) is not None for call in below)


def _declined(span: Span) -> bool:
    """Whether the answer was no: the fault of neither end, but no example of how it usually goes on."""
    code = span.attributes.get(RPC_GRPC_STATUS_CODE, 0)
    return (span.http_status or 0) >= 400 or code not in (0, "0", "OK")


def _can_be_told(one: Occurrence, absent: UsualStep) -> bool:
    """Whether the absence shows what did not happen: a call that went well had a callee, traced or not."""
    return not (one.kind == "call" and absent.about.kind == "visit")


def _is_due(facts: Facts, one: Occurrence, absent: UsualStep, usual: Usual) -> bool:
    """Whether the step, and what it does, would be stored by now even if it began very late."""
    if usual.entry is None or facts.now is None:
        return False
    latest = _PATIENCE * absent.sketch(Measure.DELAY).longest + usual.entry.sketch(Measure.WHOLE).longest
    return facts.now >= max(facts.causality.start(one.span) + latest, facts.causality.end(one.span)) + _EXPORT


def _explained(facts: Facts, one: Occurrence, absent: UsualStep) -> bool:
    """Whether a message waits for the group, or another step shows what became of it."""
    if one.kind != "publish" or absent.about.kind != "visit":
        return False
    topic, offset = one.span.topic, one.span.offset
    for published in facts.messages:
        message = published.message
        if message.topic != topic or (None not in (offset, message.offset) and message.offset != offset):
            continue
        for state in message.groups:
            group = absent.about.group
            same = state.group == group if group is not None else state.service == absent.about.service
            if same and state.state not in {"unseen", "untraced"}:
                return True
    # Without an offset, it is unknown whether the message waits.
    return offset is None and absent.about.group in {
        row.group for row in facts.consumption.lag if row.topic == topic
    }


def _claim(facts: Facts, one: Occurrence, absent: UsualStep, usual: Usual, now: int) -> Claim:
    known = usual.step(one.step)
    seen, of = (0, 0) if known is None else _counts(known, absent)
    service = absent.about.service if absent.about.kind == "visit" else own_name(one.span)
    service = _as_told(service, facts.causality.spans)
    delay = absent.sketch(Measure.DELAY)
    within = milliseconds(max(delay.longest, NS_PER_MS))
    counts = f"in {seen:,} of {of:,} traces"
    if absent.about.kind == "visit":
        sentence = f"{service} usually reacts within {within} {counts}; it has not"
        if _was_read(facts, one, absent):
            sentence += f", although group {absent.about.group} has read the message"
    elif absent.about.kind == "publish":
        sentence = f"{service} usually does {absent.about.operation} within {within} {counts}; it has not"
    else:
        sentence = f"{service} usually calls {_callee(absent)} within {within} {counts}; it has not"
    if now:
        visits = absent.sketch(Measure.VISITS)
        least = min(times for times, _ in visits.buckets() if times > now)
        more = sum(traces for times, traces in visits.buckets() if times > now)
        sentence = (
            f"{service} usually does {absent.about.operation} at least {least} times in {more:,} of "
            f"{visits.count:,} traces; here {'once' if now == 1 else f'{now} times'}"
        )
    return Claim(
        kind="missing",
        service=service,
        operation=absent.about.operation,
        sentence=sentence + _silence(facts, one, service),
        spans=(one.span,),
        explains=(one.span,),
        usual=delay.median / NS_PER_MS,
        examples=of,
        weight=seen / of if of else 0.0,
        counted=_counted(facts, one, absent),
    )


def _counted(facts: Facts, one: Occurrence, absent: UsualStep) -> Counted | None:
    """Where the absent step is counted in all traces; None if nothing counts it."""
    about = absent.about
    if about.kind == "visit":
        node = f"group:{about.group}" if about.group else service_node(about.service, about.namespace)
        return None if one.span.topic is None else by_message(one.span.topic, node)
    if about.kind == "publish":
        topic = about.operation.removeprefix(_PUBLISH)
        return by_visit(one.span, (f"topic:{topic}",), facts.causality)
    visits = (step.about for step in absent.below if step.about.kind == "visit")
    callees = {service_node(visit.service, visit.namespace) for visit in visits}
    return by_visit(one.span, tuple(callees), facts.causality) if len(callees) == 1 else None


def _callee(absent: UsualStep) -> str:
    """The callee with the operation, if the profile knows it from the server half."""
    services = [step.about.service for step in absent.below if step.about.kind == "visit"]
    return f"{services[0]} ({absent.about.operation})" if services else absent.about.operation


def _as_told(service: str, spans: Sequence[Span]) -> str:
    """The name that the story has for a service: with its namespace if several have the name."""
    told = {span.service for span in spans if own_name(span) == service}
    return told.pop() if len(told) == 1 else service


def _was_read(facts: Facts, one: Occurrence, absent: UsualStep) -> bool:
    """Whether the group has committed the message, and so ignored it, or its span was lost."""
    return any(
        state.group == absent.about.group and state.state == "untraced"
        for published in facts.messages
        if (published.message.topic, published.message.offset) == (one.span.topic, one.span.offset)
        for state in published.message.groups
    )


def _is_silent(facts: Facts, one: Occurrence, absent: UsualStep) -> bool:
    """Whether the service that should have reacted has sent no span at all since."""
    last = facts.last_seen(absent.about.service) if absent.about.kind == "visit" else None
    return last is not None and last < facts.causality.start(one.span)


def _silence(facts: Facts, one: Occurrence, service: str) -> str:
    """Since when the service has sent no span at all, if that was before it should have reacted."""
    last = facts.last_seen(service)
    if last is None or last >= facts.causality.start(one.span):
        return ""
    return f", and has sent no span since {utc_time(last):%H:%M:%S} UTC"
