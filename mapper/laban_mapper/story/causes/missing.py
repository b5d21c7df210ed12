"""A step that nearly all comparable traces have is absent."""

from collections.abc import Iterator, Sequence
from typing import Final

from laban.vocabulary import RPC_GRPC_STATUS_CODE
from laban_collector.store.rows import Span
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.steps import Occurrence, own_name
from laban_mapper.profiles.usual import FEWEST, Usual, UsualStep
from laban_mapper.spans import NS_PER_MS, NS_PER_S
from laban_mapper.story.causes.comparing import milliseconds
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.times import utc_time

_NEARLY_ALL: Final = 0.95
"""The share of comparable traces that have a step from which on it is missing if it is absent."""
_PATIENCE: Final = 3
"""How many times the longest usual delay passes before a step is missing and not only late."""
_EXPORT: Final = 10 * NS_PER_S
"""How long spans may take from their end until they are stored: exporters collect them for 5 s."""


def missing(facts: Facts) -> list[Claim]:
    """Find the topmost steps that nearly all comparable traces have, and this one does not."""
    if facts.now is None or facts.truncated:
        return []
    claims: list[Claim] = []
    for root, steps in facts.steps.items():
        usual = facts.usual.get(root)
        if usual is None or usual.examples < FEWEST or not steps or _lost_spans(facts, steps):
            continue
        present = {one.step for one in steps}
        for one, absent in _absent(steps, usual, present):
            if _is_due(facts, one, absent, usual) and not _explained(facts, one, absent):
                claims.append(_claim(facts, one, absent, usual))
    return claims


def _lost_spans(facts: Facts, steps: Sequence[Occurrence]) -> bool:
    """Whether spans of these traces are known to be lost: then an absent step proves nothing."""
    traces = {one.span.trace_id for one in steps}
    return any(span.trace_id in traces and facts.causality.is_orphan(span) for span in facts.causality.spans)


def _absent(
    steps: Sequence[Occurrence], usual: Usual, present: set[int]
) -> Iterator[tuple[Occurrence, UsualStep]]:
    """The steps that are absent below a step that went as usual, and that step."""
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
            rest = step.about.step not in present and step.about.step not in told
            if rest and known.share_of(step) >= _NEARLY_ALL and _can_be_told(one, step):
                told.add(step.about.step)
                yield one, step


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
    """Whether a message waits for the group, or the group is known to have consumed it without a span."""
    if one.kind != "publish" or absent.about.kind != "visit":
        return False
    topic, offset = one.span.topic, one.span.offset
    for published in facts.messages:
        message = published.message
        if message.topic != topic or (None not in (offset, message.offset) and message.offset != offset):
            continue
        for state in message.groups:
            same = absent.about.group == state.group or absent.about.service == state.service
            if same and state.state != "unseen":
                return True
    # Without an offset, it is unknown whether the message waits.
    return offset is None and absent.about.group in {
        row.group for row in facts.consumption.lag if row.topic == topic
    }


def _claim(facts: Facts, one: Occurrence, absent: UsualStep, usual: Usual) -> Claim:
    known = usual.step(one.step)
    of = known.ok if known is not None else 0
    seen = min(absent.sketch(Measure.SEEN).count, of)
    service = absent.about.service if absent.about.kind == "visit" else own_name(one.span)
    service = _as_told(service, facts.causality.spans)
    delay = absent.sketch(Measure.DELAY)
    within = milliseconds(max(delay.longest, NS_PER_MS))
    counts = f"in {seen:,} of {of:,} traces"
    if absent.about.kind == "visit":
        sentence = f"{service} usually reacts within {within} {counts}; it has not"
    elif absent.about.kind == "publish":
        sentence = f"{service} usually does {absent.about.operation} within {within} {counts}; it has not"
    else:
        sentence = f"{service} usually calls {_callee(absent)} within {within} {counts}; it has not"
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
    )


def _callee(absent: UsualStep) -> str:
    """The callee with the operation, if the profile knows it from the server half."""
    services = [step.about.service for step in absent.below if step.about.kind == "visit"]
    return f"{services[0]} ({absent.about.operation})" if services else absent.about.operation


def _as_told(service: str, spans: Sequence[Span]) -> str:
    """The name that the story has for a service: with its namespace if several have the name."""
    told = {span.service for span in spans if own_name(span) == service}
    return told.pop() if len(told) == 1 else service


def _silence(facts: Facts, one: Occurrence, service: str) -> str:
    """Since when the service has sent no span at all, if that was before it should have reacted."""
    last = facts.last_seen(service)
    if last is None or last >= facts.causality.start(one.span):
        return ""
    return f", and has sent no span since {utc_time(last):%H:%M:%S} UTC"
