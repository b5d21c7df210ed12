"""Errors that a later attempt made good, and the time that they cost."""

from collections.abc import Iterator, Sequence

from laban_collector.store.rows import Span
from laban_mapper.names import shortened
from laban_mapper.spans import CLIENT, NS_PER_MS, error_of, failed, operation_of
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.callees import Callee, callee_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.inner_errors import Attempts, inner_errors
from laban_mapper.story.messages import Published
from laban_mapper.story.root_cause import origin_of
from laban_mapper.times import format_duration


def retried(facts: Facts) -> list[Claim]:
    """One claim for each call, request or consumption that failed first, and succeeded later."""
    consumed = list(_consumed_again(facts.messages, facts.causality))
    known = [span for origin in facts.origins for span in origin.chain]
    known += [span for attempts in consumed for span in (attempts.first, attempts.origin)]
    called = inner_errors(facts.causality, [*known, *failed_attempts(facts.messages)])
    return [_claim(attempts, facts) for attempts in (*called, *consumed) if attempts.success is not None]


def failed_attempts(messages: Sequence[Published]) -> list[Span]:
    """The failed attempts of messages that were processed in the end."""
    return [
        attempt
        for message in messages
        for delivery in message.deliveries
        if delivery.state.state in {"retried", "duplicated"}
        for attempt in delivery.attempts
        if failed(attempt)
    ]


def _consumed_again(messages: Sequence[Published], causality: Causality) -> Iterator[Attempts]:
    for message in messages:
        for delivery in message.deliveries:
            bad = [attempt for attempt in delivery.attempts if failed(attempt)]
            good = [attempt for attempt in delivery.attempts if not failed(attempt)]
            if delivery.state.state == "retried" and bad and good:
                deepest = origin_of(bad[-1], causality).deepest
                yield Attempts(bad[0], causality.end(bad[-1]), deepest, len(bad), good[0])


def _claim(attempts: Attempts, facts: Facts) -> Claim:
    first, origin, success = attempts.first, attempts.origin, attempts.success or attempts.first
    callee = (callee_of(origin, facts) if origin.kind == CLIENT else None) or Callee(origin.service)
    lost = max(facts.causality.start(success) - facts.causality.start(first), 0)
    times = "once" if attempts.count == 1 else f"{attempts.count:,} times"
    what, why = shortened(operation_of(origin)), error_of(origin) or "error"
    again = "" if operation_of(first) == operation_of(origin) else f" ({shortened(operation_of(first))})"
    better = f"attempt {attempts.count + 1:,} of {shortened(first.service)}{again} succeeded"
    cost = format_duration(lost / NS_PER_MS)
    return Claim(
        kind="retried",
        service=callee.name,
        operation=operation_of(origin),
        sentence=f"{callee.text} {what} failed {times} ({why}) before {better}, which cost {cost}",
        spans=(origin, first, success) if origin is not first else (first, success),
        weight=lost,
    )
