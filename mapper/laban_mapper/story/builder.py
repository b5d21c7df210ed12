"""Builds the story of one business key value from its spans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from laban_collector.store.rows import Peer, Span
from laban_mapper.model import Cause, OrderScope, Outcome, RootCause, Step, Story
from laban_mapper.names import shortened, with_namespaces
from laban_mapper.resilience_notes import notes_of as resilience_notes_of
from laban_mapper.spans import (
    KIND_NAMES,
    NS_PER_MS,
    STATUS_NAMES,
    error_of,
    failed,
    is_receiving,
    is_refusal,
    operation_of,
)
from laban_mapper.story.causality import Causality, without_other_messages
from laban_mapper.story.causes.facts import (
    Claim,
    Facts,
    LastSeen,
    UsualOf,
    compare_with_usual,
    is_usual_error,
)
from laban_mapper.story.causes.ranking import ranked
from laban_mapper.story.causes.registry import RULES
from laban_mapper.story.connection_chatter import is_connection_chatter
from laban_mapper.story.critical_path import CriticalPaths, critical_paths, length
from laban_mapper.story.inner_errors import Attempts
from laban_mapper.story.messages import Consumption, messages_of, wait_of
from laban_mapper.story.notes import clock_skew, notes_of
from laban_mapper.story.outcome import entry_of, failures_of, inner_errors_of, outcome_of
from laban_mapper.story.poison_messages import poison_of
from laban_mapper.story.root_cause import Origin, origin_of
from laban_mapper.story.usual_times import own_time, usual_times, usual_whole
from laban_mapper.story.verdict import verdict
from laban_mapper.times import is_implausible, utc_time

_EXPLAINED: Final = 50
"""The most failures of one story whose origin is looked for."""
_TOLD: Final = 20
"""The most causes of one story."""

_TITLE_DIGITS: Final = 8
"""The digits of a trace ID in the title of its story."""

ScopeOf = Callable[[Claim], OrderScope | None]
"""Returns how many others the first cause affects; None if that is unknown."""


def build_story(
    key: str,
    value: str,
    spans: Sequence[Span],
    consumption: Consumption | None = None,
    peers: Mapping[Peer, str] | None = None,
    *,
    truncated: bool = False,
    now: int | None = None,
    usual: UsualOf | None = None,
    last_seen: LastSeen | None = None,
    scope: ScopeOf | None = None,
    timed: bool = True,
) -> Story:
    """Build the story of one business key value.

    Args:
        key: the business key, `order`.
        value: its value, `123`.
        spans: all spans of the story; at least one.
        consumption: the consumers of each topic, and how far they are.
        peers: the service at each address, for client spans without a server span.
        truncated: whether the story has more spans than these.
        now: ns since the epoch. Spans with an impossible date then are marked, and do not count in how long
            the story took.
        usual: returns the profiles to compare with; called once, with the entries of the story.
        last_seen: returns the end of the newest span of a service anywhere, ns.
        scope: returns how many others a cause affects.
        timed: whether steps say what they usually take, which a list of many stories need not.
    """
    causality = without_other_messages(Causality(with_namespaces(spans)), lambda span: _names(span, value))
    messages = messages_of(causality, consumption or Consumption())
    entry = entry_of(causality)
    poison = poison_of(messages, causality)
    failures = failures_of(entry, causality, messages, poison)
    steps, usual_of_roots = compare_with_usual(causality, usual)
    facts = Facts(
        causality=causality,
        entry=entry,
        failed=failures,
        origins=[origin_of(span, causality) for span in failures[:_EXPLAINED]],
        messages=messages,
        poison=poison,
        steps=steps,
        usual=usual_of_roots,
        consumption=consumption or Consumption(),
        peers=peers or {},
        last_seen=last_seen or (lambda _: None),
        now=now,
        truncated=truncated,
    )
    inner = inner_errors_of(facts)
    facts = replace(facts, inner=inner, caught=_caught(inner, facts))
    outcome = outcome_of(facts)
    first_cause, also_seen = ranked([claim for rule in RULES for claim in rule(facts)], facts, outcome)
    affected = scope(first_cause) if scope is not None and first_cause is not None else None
    first, last = _extent(causality, now)
    usual_ms, examples = usual_whole(facts) or (None, None)
    return Story(
        key=key,
        value=value,
        verdict=verdict(key, _title(key, value), facts, outcome, first_cause, affected),
        outcome=outcome,
        root_cause=_root_cause(first_cause, outcome),
        traces=list(dict.fromkeys(span.trace_id for span in causality.spans)),
        spans=len(causality.spans),
        started=utc_time(first),
        duration_ms=(last - first) / NS_PER_MS,
        steps=_steps(facts, first, timed=timed),
        messages=[published.message for published in messages],
        truncated=truncated,
        notes=notes_of(causality, left_out=len(spans) - len(causality.spans), truncated=truncated),
        clock_skew_ms=clock_skew(causality.clocks),
        causes=_causes(first_cause, also_seen),
        scope=affected,
        usual_ms=usual_ms,
        usual_examples=examples,
    )


def _caught(inner: Sequence[Attempts], facts: Facts) -> list[Origin]:
    """Where errors began that are unusual: not a refusal that the caller expected, such as HTTP 404."""
    errors = [one for one in inner if one.success is None and not is_usual_error(one.last, facts)]
    origins = [origin_of(one.last, facts.causality, one.count) for one in errors[:_EXPLAINED]]
    return [origin for origin in origins if not is_refusal(origin.deepest)]


def _root_cause(first: Claim | None, outcome: Outcome) -> RootCause | None:
    """Where the failure of the order began; None if it did not fail."""
    if first is None or first.error is None or outcome != "failed":
        return None
    return RootCause(service=first.service, operation=first.operation, error=first.error)


def _causes(first: Claim | None, others: Sequence[Claim]) -> list[Cause]:
    told = list(others) if first is None else [first, *others]
    return [
        Cause(
            kind=claim.kind,
            service=claim.service,
            operation=claim.operation,
            sentence=claim.sentence,
            usual=claim.usual,
            examples=claim.examples,
            spans=list(dict.fromkeys(span.span_id for span in claim.spans)),
            rank=rank,
        )
        for rank, claim in enumerate(told[:_TOLD], start=2 if first is None else 1)
    ]


def _names(span: Span, value: str) -> bool:
    if value in {span.message_key, span.trace_id}:
        return True
    return any(str(found) == value for found in span.attributes.values())


def _extent(causality: Causality, now: int | None) -> tuple[int, int]:
    """The first start and the last end.

    A consumer may poll long before there is a message, which is not part of the story.
    """
    spans = causality.spans
    if now is not None:
        spans = [span for span in spans if not is_implausible(causality.start(span), now)] or spans
    begun = [span for span in spans if not is_receiving(span)] or spans
    return min(map(causality.start, begun)), max(map(causality.end, spans))


def _title(key: str, value: str) -> str:
    if key == "trace":
        return f"Trace {value[:_TITLE_DIGITS]}…"
    name = key.removesuffix(".id").replace(".", " ").replace("_", " ")
    return shortened(f"{name[:1].upper()}{name[1:]} {value}")


def _steps(facts: Facts, first: int, *, timed: bool) -> list[Step]:
    paths = critical_paths(facts.entry, facts.causality, facts.now)
    index = {id(span): number for number, span in enumerate(facts.causality.spans)}
    steps = [_step(span, facts, first, index, paths) for span in facts.causality.spans]
    if not timed:
        return steps
    return [
        step.model_copy(update={"own_ms": own_time(span, facts), "usual": usual_times(span, facts)})
        for step, span in zip(steps, facts.causality.spans, strict=True)
    ]


def _step(span: Span, facts: Facts, first: int, index: Mapping[int, int], paths: CriticalPaths) -> Step:
    causality, now = facts.causality, facts.now
    status = STATUS_NAMES.get(span.status, "unset")
    cause = causality.cause(span)
    to_end = paths.to_end.get(id(span), ())
    to_reply = () if paths.to_reply is None else paths.to_reply.get(id(span), ())
    return Step(
        time=utc_time(span.start),
        service=span.service,
        operation=operation_of(span),
        kind=KIND_NAMES.get(span.kind, "unspecified"),
        duration_ms=span.duration / NS_PER_MS,
        wait_ms=wait_of(span, causality),
        status="error" if failed(span) else "ok" if status == "ok" else "unset",
        error=error_of(span),
        topic=span.topic,
        group=span.group,
        partition=span.partition,
        offset=span.offset,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        depth=causality.depth(span),
        critical=id(span) in paths.to_end,
        critical_ms=None if paths.to_reply is None else length(to_reply) / NS_PER_MS,
        critical_to_end_ms=length(to_end) / NS_PER_MS,
        critical_sections=[
            ((begin - first) / NS_PER_MS, (end - first) / NS_PER_MS) for begin, end in to_reply or to_end
        ],
        odd_time=now is not None and is_implausible(span.start, now),
        start_ms=max(0.0, (causality.start(span) - first) / NS_PER_MS),
        cause=None if cause is None else index[id(cause)],
        by_message=causality.is_delivery(span),
        namespace=span.namespace,
        chatter=is_connection_chatter(span),
        notes=resilience_notes_of(span, span.duration / NS_PER_MS if failed(span) else None),
    )
