"""When a service sent its last span: that tells a service that has ended from a slow network."""

from laban_collector.store.rows import Span
from laban_mapper.story.causes.callees import Callee
from laban_mapper.story.causes.facts import Facts
from laban_mapper.times import utc_time


def last_span(callee: Callee, call: Span, facts: Facts) -> str:
    """The clause about the last span of a callee; empty if the callee sends none."""
    seen = facts.last_seen(callee.name) if callee.is_service else None
    if seen is None:
        return ""
    at = f"{utc_time(seen):%H:%M:%S} UTC"
    if seen > call.end:
        return f"although it has sent spans since (the newest ended at {at})"
    return f"and has sent no span since {at}"
