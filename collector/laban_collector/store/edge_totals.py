"""The running totals of calls and messages by edge, for metrics. They never go back.

A store persists them with the counts by minute, so neither a restart nor the retention changes them.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

BOUNDS: Final = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    900.0,
    3600.0,
)
"""The upper bounds of all histograms, in seconds; one more interval is above the last of them."""
OTHER: Final = "other"
"""The name of both ends of all edges beyond the limit."""
DEFAULT_SERIES: Final = 2_000
"""Edges that are told apart, if nothing is set."""

ConnectionType = Literal["", "messaging_system", "database", "virtual_node"]
"""The kinds of connections as Tempo's metrics-generator names them; "" is a call between two services."""
SeriesKind = Literal["graph", "published", "consumed"]
"""An edge from service to service, from service to topic, or from topic to consumer group."""

TimesName = Literal["served", "called", "queued"]
"""The histograms of an edge."""


class SeriesKey(NamedTuple):
    """What is counted together.

    Attributes:
        kind: what the two ends are.
        client: the caller, publisher or topic.
        server: the callee, consumer, topic or group.
        connection: how they are connected.
    """

    kind: SeriesKind
    client: str
    server: str
    connection: ConnectionType = ""


class Times(NamedTuple):
    """A histogram of times.

    Attributes:
        elapsed: their sum, ns.
        counts: how many do not exceed each of `BOUNDS`, but the one before; and how many exceed all.
    """

    elapsed: int = 0
    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)


class EdgeTotal(NamedTuple):
    """The totals of an edge.

    Attributes:
        key: the edge.
        calls: calls or messages.
        errors: failed ones of them.
        served: how long the callees or consumers took.
        called: how long the callers waited.
        queued: how long the messages waited in a queue.
    """

    key: SeriesKey
    calls: int
    errors: int
    served: Times = Times()
    called: Times = Times()
    queued: Times = Times()


class Exemplar(NamedTuple):
    """A trace that is an example of an interval of a histogram.

    Attributes:
        key: the edge.
        times: the histogram: an attribute of `EdgeTotal`.
        bound: index of the interval in `Times.counts`.
        trace_id: of the trace.
        elapsed: its time, ns.
        time: when it began, ns.
    """

    key: SeriesKey
    times: TimesName
    bound: int
    trace_id: str
    elapsed: int
    time: int


class EdgeTotals(NamedTuple):
    """All totals at one moment.

    Attributes:
        edges: in no order.
        left_out: distinct edges that have been counted as `other` since the start.
        version: increases with each change.
    """

    edges: Sequence[EdgeTotal] = ()
    left_out: int = 0
    version: int = 0
