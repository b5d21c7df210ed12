"""A callee could not be reached: it refused, it was gone, or it ended while it was called."""

from laban_mapper.spans import error_of, operation_of
from laban_mapper.story.causes.callees import Callee, callee_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import kind_of
from laban_mapper.story.causes.last_span import last_span
from laban_mapper.story.root_cause import Origin


def unreachable(facts: Facts) -> list[Claim]:
    """One claim for each callee that could not be reached."""
    found: dict[str, Claim] = {}
    for origin in facts.origins:
        if kind_of(origin, facts) == "unreachable":
            claim = _claim(origin, facts)
            found.setdefault(claim.service, claim)
    return list(found.values())


def _claim(origin: Origin, facts: Facts) -> Claim:
    call = origin.deepest
    callee = callee_of(call, facts) or Callee(call.service)
    why, seen = error_of(call) or "error", last_span(callee, call, facts)
    told = f"could not be reached ({why})" + (f", {seen}" if seen else "")
    return Claim(
        kind="unreachable",
        service=callee.name,
        operation=operation_of(call),
        sentence=f"{callee.text} {told}",
        spans=(call,),
        explains=origin.chain,
        error=told,
        weight=len(origin.chain),
    )
