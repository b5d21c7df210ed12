"""Who else a cause affects: counts of the store by minute, for the scope of a story."""

from laban_collector.store.base import SpanReader
from laban_collector.store.rows import MINUTE
from laban_mapper.model import OrderScope
from laban_mapper.story.causes.facts import Claim
from laban_mapper.story.scope import (
    AFTER,
    BEFORE,
    Problem,
    Queue,
    problem_of,
    queue_of,
    scope_of_calls,
    scope_of_queue,
)
from laban_mapper.story.scope_of_counts import Pair, pair_of, scope_of_pair
from laban_mapper.times import storable


def affected_by(reader: SpanReader, claim: Claim) -> OrderScope | None:
    """How many others a cause affects, and since when; None if nothing counts that."""
    problem, queue = problem_of(claim), queue_of(claim)
    if problem is not None:
        minutes = reader.edge_minutes(problem.place, *_around(problem), problem.slow)
        return scope_of_calls(problem, minutes)
    if queue is not None:
        return scope_of_queue(reader.queue_minutes(queue.group, queue.topic, *_around(queue)))
    pair = pair_of(claim)
    if pair is not None:
        made, due = (reader.edge_minutes(place, *_around(pair), 1) for place in pair.counted)
        return scope_of_pair(pair, made, due)
    return None


def _around(fault: Problem | Queue | Pair) -> tuple[int, int]:
    minute = fault.at // MINUTE * MINUTE
    return storable(minute - BEFORE), storable(minute + AFTER)
