"""A callee could not be reached: it refused, it was gone, or it ended while it was called."""

from laban_mapper.names import shortened
from laban_mapper.spans import error_of, operation_of
from laban_mapper.story.causes.callees import callee_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import kind_of
from laban_mapper.story.causes.last_span import last_span
from laban_mapper.story.root_cause import Origin


def unreachable(facts: Facts) -> list[Claim]:
    """One claim for each callee that could not be reached."""
    found: dict[str, Claim] = {}
    for origin in (*facts.origins, *facts.caught):
        if kind_of(origin, facts) == "unreachable":
            claim = _claim(origin, facts)
            found.setdefault(claim.service, claim)
    return list(found.values())


def _claim(origin: Origin, facts: Facts) -> Claim:
    call = origin.deepest
    callee = callee_of(call, facts)
    why, operation = error_of(call) or "error", operation_of(call)
    if callee is None:
        told = f"could not reach what it calls with {shortened(operation)} ({why})"
        subject = shortened(call.service)
    else:
        seen = last_span(callee, call, facts)
        told = f"could not be reached ({why})" + (f", {seen}" if seen else "")
        subject = callee.text
    return Claim(
        kind="unreachable",
        service=call.service if callee is None else callee.name,
        operation=operation,
        sentence=f"{subject} {told}",
        spans=(call,),
        explains=origin.chain,
        error=told,
        weight=len(origin.chain),
    )
