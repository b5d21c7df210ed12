"""The verdict: what an engineer on call reads first.

At most three sentences: the outcome and its cause; what followed; how many others are affected, and one thing
to look at.
"""

from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.model import CauseKind, OrderScope, Outcome
from laban_mapper.names import listed, shortened
from laban_mapper.spans import NS_PER_MS, SERVER, failed, is_publishing, operation_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.inner_errors import told
from laban_mapper.story.message_clauses import message_clauses
from laban_mapper.story.outcome import lost_parents
from laban_mapper.times import format_duration, utc_time

_JOINED: Final[dict[CauseKind, str]] = {
    "slow": ":",
    "retried": ", although",
    "error": ", although",
    "timed_out": ", although",
    "unreachable": ", although",
}
"""How a cause follows an order that went well."""


def verdict(
    key: str,
    title: str,
    facts: Facts,
    outcome: Outcome,
    cause: Claim | None,
    scope: OrderScope | None = None,
) -> str:
    """Write the verdict.

    Args:
        key: the business key, `order.id`.
        title: the subject, `Order 123`.
        facts: the facts of the story.
        outcome: the outcome.
        cause: the claim that explains it.
        scope: how many others the cause affects.
    """
    entry = facts.entry
    did, it_did = f"{title}: {_did(entry)}", _did(entry)
    if _creates(entry, key):
        did, it_did = (f"{subject} {_created(entry)}" for subject in (title, "It"))
    headline = _headline(title, did, facts, outcome, cause)
    consequences = _consequences(it_did, facts, cause)
    if cause is None:
        return "; ".join([headline, *consequences]) + "."
    advice = "; ".join([*([_affected(scope)] if scope else []), *_advice(cause)])
    sentences = [headline, "; ".join(consequences), advice[:1].upper() + advice[1:]]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _headline(title: str, did: str, facts: Facts, outcome: Outcome, cause: Claim | None) -> str:
    entry = facts.entry
    if facts.failed:
        first = facts.failed[0]
        took = f"failed after {format_duration(first.duration / NS_PER_MS)}"
        if cause is None:
            return f"{title} {took} in {shortened(first.service)} ({shortened(operation_of(first))})"
        above = "" if first is entry or first is cause.spans[0] else f" in {_done(first)}"
        return f"{title} {took if first is entry else 'failed'}{above}: {cause.sentence}{_so(cause)}"
    if cause is None:
        return did
    if outcome == "waiting":
        return f"{did} and waits: {cause.sentence}"
    if outcome == "incomplete":
        return f"{did}, but is not complete: {cause.sentence}"
    joined = _JOINED.get(cause.kind, ", but")
    return f"{did}{joined} {cause.sentence}"


def _creates(entry: Span, key: str) -> bool:
    """Whether a request creates what the key names: `POST /v1/orders` an order, but no customer."""
    if entry.kind != SERVER or entry.http_method != "POST":
        return False
    *_, noun = key.removesuffix(".id").lower().split(".")
    *_, collection = operation_of(entry).rstrip("/").lower().split("/")
    return collection in {noun, f"{noun}s", f"{noun}es", f"{noun[:-1]}ies"}


def _created(entry: Span) -> str:
    return f"was created in {format_duration(entry.duration / NS_PER_MS)}"


def _did(entry: Span) -> str:
    took = format_duration(entry.duration / NS_PER_MS)
    return f"{shortened(entry.service)} did {shortened(operation_of(entry))} in {took}"


def _done(span: Span) -> str:
    return f"{shortened(span.service)} ({shortened(operation_of(span))})"


def _so(cause: Claim) -> str:
    """Who failed because of the cause."""
    chain = [span.service for span in cause.explains if span.service != cause.service]
    return f", so {listed(chain)} failed" if chain else ""


def _consequences(it_did: str, facts: Facts, cause: Claim | None) -> list[str]:
    entry = facts.entry
    parts = []
    if facts.failed and not failed(entry):
        parts.append(it_did)
    unreadable = {id(one.published) for one in facts.poison}
    readable = [one for one in facts.messages if id(one) not in unreadable]
    stuck = cause.service if cause is not None and cause.kind == "stuck" else None
    parts += message_clauses(facts.causality.start(entry), readable, stuck)
    if facts.poison and (cause is None or cause.kind != "poison"):
        parts.append(_unreadable(facts))
    if not facts.failed:
        explained = set() if cause is None else {id(span) for span in cause.explains}
        caught = [one for one in facts.inner if one.success is None and id(one.last) not in explained]
        parts += told(caught)
    therefore = "" if facts.failed or cause is not None else "incomplete, because "
    return parts + _missing_parents(lost_parents(facts.causality), therefore)


def _unreadable(facts: Facts) -> str:
    topics = listed([one.published.message.topic for one in facts.poison])
    count = len(facts.poison)
    what = "1 message" if count == 1 else f"{count:,} messages"
    return f"no group could read {what} on {topics}"


def _missing_parents(count: int, therefore: str) -> list[str]:
    if not count:
        return []
    which = "1 span has a parent that was" if count == 1 else f"{count:,} spans have parents that were"
    return [f"{therefore}{which} not received (the sampler or a service without laban)"]


def _affected(scope: OrderScope) -> str:
    before = f", before that {scope.before_affected:,} of {scope.before_of:,}" if scope.before_of else ""
    trouble = f"{scope.affected:,} of {scope.of:,} calls or messages there had trouble"
    return f"{trouble} since {scope.since:%H:%M} UTC{before}"


def _advice(cause: Claim) -> list[str]:
    """One thing to do, or to look at."""
    service, span = shortened(cause.service), cause.spans[0]
    match cause.kind:
        case "unreachable" if cause.service != span.service:
            return [f"look whether {service} runs"]
        case "error" | "missing" | "unreachable":
            return [f"look at the logs of {shortened(span.service)} from {utc_time(span.start):%H:%M:%S} UTC"]
        case "timed_out" | "slow":
            return [f"look at what {service} does in {shortened(cause.operation)}"]
        case "stuck":
            return [f"look at the consumers of {service}, and at their logs"]
        case "poison" | "published_twice" | "out_of_order":
            does = "publishes" if is_publishing(span) else "processes"
            return [f"look at what {service} {does}"]
        case "retried":
            return []
