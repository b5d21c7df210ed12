"""A callee could not be reached: it refused, it was gone, or it ended while it was called."""

from laban_mapper.names import shortened
from laban_mapper.spans import error_of, operation_of
from laban_mapper.story.causes.callees import Callee, callee_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.failures import kind_of
from laban_mapper.story.root_cause import Origin
from laban_mapper.times import utc_time


def unreachable(facts: Facts) -> list[Claim]:
    """One claim for each callee that could not be reached."""
    found: dict[str, Claim] = {}
    for origin in facts.origins:
        if kind_of(origin, facts.causality) == "unreachable":
            claim = _claim(origin, facts)
            found.setdefault(claim.service, claim)
    return list(found.values())


def _claim(origin: Origin, facts: Facts) -> Claim:
    call = origin.deepest
    callee = callee_of(call, facts) or Callee(call.service)
    why = error_of(call) or "error"
    seen = facts.last_seen(callee.name) if callee.is_service else None
    since = "" if seen is None else f"; it has sent no span since {utc_time(seen):%H:%M:%S} UTC"
    return Claim(
        kind="unreachable",
        service=callee.name,
        operation=operation_of(call),
        sentence=f"{callee.text} could not be reached for {shortened(operation_of(call))} ({why}){since}",
        spans=(call,),
        explains=origin.chain,
        error=why,
        weight=len(origin.chain),
    )
