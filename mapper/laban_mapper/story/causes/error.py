"""Something failed: the deepest, last failed span that explains the ones above it."""

from laban_collector.store.rows import Span
from laban_mapper.names import shortened
from laban_mapper.spans import CLIENT, error_of, operation_of
from laban_mapper.story.causes.callees import Callee, callee_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import kind_of
from laban_mapper.story.messages import dead_letter_of, reason_of
from laban_mapper.story.root_cause import Origin


def error(facts: Facts) -> list[Claim]:
    """One claim for each place where failures began."""
    found: dict[tuple[str, str, str], Claim] = {}
    for origin in facts.origins:
        if kind_of(origin, facts.causality) == "error":
            claim = _claim(origin, facts)
            found.setdefault((claim.service, claim.operation, claim.error or ""), claim)
    return list(found.values())


def _claim(origin: Origin, facts: Facts) -> Claim:
    deepest = origin.deepest
    span = origin.server or deepest
    name = _name(origin, facts)
    why = error_of(deepest) or reason_of(dead_letter_of(deepest, facts.causality)) or "gave up"
    return Claim(
        kind="error",
        service=name.name,
        operation=operation_of(span),
        sentence=f"{name.text} {shortened(operation_of(span))} failed ({why})",
        spans=(span,) if span is deepest else (span, deepest),
        explains=origin.chain,
        error=why,
        weight=len(origin.chain),
    )


def _name(origin: Origin, facts: Facts) -> Callee:
    span: Span = origin.server or origin.deepest
    callee = callee_of(span, facts) if span.kind == CLIENT else None
    return callee or Callee(span.service)
