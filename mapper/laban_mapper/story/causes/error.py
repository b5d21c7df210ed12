"""Something failed: the deepest, last failed span that explains the ones above it."""

from dataclasses import replace
from typing import Final

from laban_mapper.names import shortened
from laban_mapper.spans import CLIENT, error_of, operation_of, rpc_status_of
from laban_mapper.story.causes.callees import Callee, callee_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import kind_of
from laban_mapper.story.messages import dead_letter_of, reason_of
from laban_mapper.story.root_cause import Origin

_BAD_REQUEST: Final = 400


def error(facts: Facts) -> list[Claim]:
    """One claim for each place where failures began."""
    found: dict[tuple[str, str, str], Claim] = {}
    unreadable = {id(attempt) for one in facts.poison for attempt in one.attempts}
    for origin in facts.origins:
        if id(origin.chain[-1]) in unreadable:
            continue
        if kind_of(origin, facts) == "error":
            claim = _claim(origin, facts)
            found.setdefault((claim.service, claim.operation, claim.error or ""), claim)
    return list(found.values())


def _claim(origin: Origin, facts: Facts) -> Claim:
    deepest = origin.deepest
    if _failed_itself(origin):
        origin = replace(origin, server=None)
    span = origin.server or deepest
    name = Callee(deepest.service) if _failed_itself(origin) else _name(origin, facts)
    why = error_of(deepest) or reason_of(dead_letter_of(deepest, facts.causality))
    return Claim(
        kind="error",
        service=name.name,
        operation=operation_of(span),
        sentence=f"{name.text} {shortened(operation_of(span))} failed" + (f" ({why})" if why else ""),
        spans=(span,) if span is deepest else (span, deepest),
        explains=origin.chain,
        error=why or "gave up",
        weight=len(origin.chain),
    )


def _name(origin: Origin, facts: Facts) -> Callee:
    span = origin.server or origin.deepest
    callee = callee_of(span, facts) if span.kind == CLIENT else None
    return callee or Callee(span.service)


def _failed_itself(origin: Origin) -> bool:
    """Whether a caller failed although its callee answered well: it could not use the answer."""
    call, server = origin.deepest, origin.server
    if server is None or rpc_status_of(call) is not None:
        return False
    statuses = [status for status in (call.http_status, server.http_status) if status is not None]
    return bool(statuses) and max(statuses) < _BAD_REQUEST
