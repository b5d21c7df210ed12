"""L033: spans of messages that do not say which message, or which group."""

from collections.abc import Iterator
from typing import Final

from laban.vocabulary import KAFKA
from laban_collector.store.rows import Span
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted, listed
from laban_mapper.spans import failed, is_consuming, is_publishing, is_receiving

_SHARE: Final = 0.5
"""The share of a service's spans from which on what they lack is told."""


def _find(system: System) -> Iterator[Found]:
    spans: dict[tuple[str, str], list[tuple[SampledTrace, Span]]] = {}
    for trace in system.traces:
        for span in trace.causality.spans:
            if span.messaging_system == KAFKA and span.topic is not None and not failed(span):
                if is_publishing(span):
                    spans.setdefault((span.service, "publish"), []).append((trace, span))
                elif is_consuming(span) and not is_receiving(span):
                    spans.setdefault((span.service, "process"), []).append((trace, span))
    for (service, verb), found in sorted(spans.items()):
        if len(found) < system.thresholds.fewest:
            continue
        lacks = {what: [one for one in found if _lacks(one[1], what)] for what in _wanted(verb)}
        told = {what: those for what, those in lacks.items() if len(those) >= _SHARE * len(found)}
        if told:
            yield Found(
                place=f"service {service} {verb}",
                sentence=f"spans of {service} that {verb} messages lack {listed(list(told))} "
                f"({counted(max(map(len, told.values())), 'span')} of {len(found):,} sampled)",
                numbers={"spans": max(map(len, told.values())), "of": len(found)},
                traces=proofs(trace for trace, _ in next(iter(told.values()))),
            )


def _wanted(verb: str) -> tuple[str, ...]:
    return ("offset",) if verb == "publish" else ("offset", "group")


def _lacks(span: Span, what: str) -> bool:
    return span.group is None if what == "group" else span.offset is None


RULE = Rule(
    code="L033",
    name="message-details",
    severity="info",
    why="Without partition, offset and group, messages are joined only by parents and links, and a message "
    "that waits cannot be told from one that is lost.",
    advice="Run Python programs under `laban run`. For others, use an instrumentation that sets "
    "messaging.destination.partition.id, messaging.kafka.offset and messaging.consumer.group.name.",
    find=_find,
    compares="The spans of a service that publish or process Kafka messages and lack the offset or the "
    "group, with all of them.",
    thresholds=("fewest",),
    example="spans of payment that process messages lack group (50 spans of 50 sampled)",
)
