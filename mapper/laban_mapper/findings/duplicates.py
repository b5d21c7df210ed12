"""L024: messages that are published twice, and consumers that do the work of one message twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from laban.vocabulary import MESSAGE_IDS
from laban_collector.store.rows import Span
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted, listed
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.published_twice import published_twice

_FEWEST: Final = 3
"""Messages that were published twice without harm, below which it is an accident."""


@dataclass
class _Twice:
    """Messages of a topic that were published, or whose work was done, more than once."""

    traces: list[SampledTrace] = field(default_factory=list[SampledTrace])
    """In which work was done twice."""
    harmless: Counter[str] = field(default_factory=Counter[str])
    """By service, messages that it published twice, and no consumer is seen to have done the work twice."""
    harmless_traces: list[SampledTrace] = field(default_factory=list[SampledTrace])
    published: Counter[str] = field(default_factory=Counter[str])
    """By service, messages that it published twice."""
    delivered: Counter[str] = field(default_factory=Counter[str])
    """By group, messages that it processed twice."""
    messages: int = 0


def _find(system: System) -> Iterator[Found]:
    by_topic: dict[str, _Twice] = {}
    for trace in system.traces:
        for published in trace.messages:
            topic = by_topic.setdefault(published.message.topic, _Twice())
            topic.messages += 1
            for delivery in published.deliveries:
                if delivery.state.state == "duplicated" and _is_repeated(trace, delivery.attempts):
                    topic.delivered[delivery.state.group] += 1
                    topic.traces.append(trace)
        for claim in published_twice(Facts(trace.causality, trace.root)):
            if not _is_same(claim):
                continue
            topic = by_topic.setdefault(claim.operation.removeprefix("publish "), _Twice())
            if claim.explains:
                topic.published[claim.service] += 1
                topic.traces.append(trace)
            else:
                topic.harmless[claim.service] += 1
                topic.harmless_traces.append(trace)
    for name, topic in sorted(by_topic.items()):
        if topic.traces:
            yield _found(name, topic)
        elif topic.harmless.total() >= _FEWEST:
            yield _harmless(name, topic)


def _is_same(claim: Claim) -> bool:
    """Whether an id says that the content is the same; an equal size could be chance in some systems."""
    return any(
        len({str(span.attributes.get(key)) for span in claim.spans}) == 1 and key in claim.spans[0].attributes
        for key in MESSAGE_IDS
    )


def _is_repeated(trace: SampledTrace, attempts: tuple[Span, ...]) -> bool:
    """Whether a second attempt had the same effects as the first: calls and publications."""
    first, *others = [_effects(trace, attempt) for attempt in attempts]
    return bool(first) and any(other >= first for other in others)


def _effects(trace: SampledTrace, attempt: Span) -> Counter[tuple[str, str]]:
    return Counter(
        (one.kind, one.operation)
        for one in trace.steps
        if one.kind != "visit" and one.above is not None and one.above.span is attempt
    )


def _found(name: str, topic: _Twice) -> Found:
    published, delivered = topic.published.total(), topic.delivered.total()
    parts: list[str] = []
    if published:
        by = listed(sorted(topic.published))
        parts.append(
            f"{by} published {counted(published, 'message')} twice, and consumers did the work twice"
        )
    if delivered:
        by = listed(sorted(topic.delivered))
        parts.append(f"{by} processed {counted(delivered, 'message')} twice, with the same effects")
    return Found(
        place=f"topic {name}",
        sentence=f"of {counted(topic.messages, 'sampled message')} of {name}, {'; '.join(parts)}",
        numbers={"published_twice": published, "processed_twice": delivered, "messages": topic.messages},
        traces=proofs(topic.traces),
    )


def _harmless(name: str, topic: _Twice) -> Found:
    twice, by = topic.harmless.total(), listed(sorted(topic.harmless))
    return Found(
        place=f"topic {name}",
        sentence=f"of {counted(topic.messages, 'sampled message')} of {name}, {by} "
        f"published {counted(twice, 'message')} twice; no consumer is seen to do the work twice",
        numbers={"published_twice": twice, "processed_twice": 0, "messages": topic.messages},
        traces=proofs(topic.harmless_traces),
        severity="info",
        advice="Find out why it publishes twice: a retry after a timeout, or two code paths. "
        "`enable.idempotence` covers only the retries of the Kafka producer itself.",
    )


RULE = Rule(
    code="L024",
    name="duplicates-processed-twice",
    severity="warning",
    why="Kafka delivers at least once; a consumer that is not idempotent charges or sends a second time.",
    advice="Make the consumer idempotent: remember the id of each event that it has processed, in the same "
    "transaction as its effects.",
    find=_find,
    compares="The sampled messages that a group processed twice with the same calls and publications below, "
    "and messages with the same id that were published twice and consumed twice. It is `info` if no consumer "
    "is seen to do the work twice.",
    example="of 50 sampled messages of orders, mail processed 6 messages twice, with the same effects",
)
