"""What ran in a time range: the service map, with the operations and proofs that spans name."""

from typing import Final

from laban_collector.store.base import SpanReader
from laban_mapper.drift.choreography import choreography_of
from laban_mapper.model import ServiceMap
from laban_mapper.model_drift import Choreography
from laban_mapper.times import nanoseconds

_ROUNDED: Final = 1_000
"""ns by which the end of a map may be rounded down."""


def observed_choreography(reader: SpanReader, found: ServiceMap) -> Choreography:
    """The choreography of a service map of the same store."""
    window = (nanoseconds(found.since), nanoseconds(found.until) + _ROUNDED)
    with reader.at_one_moment():
        return choreography_of(found, reader.seen_operations(*window), reader.seen_hops(*window))
