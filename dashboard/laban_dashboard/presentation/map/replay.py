"""Replays an hour: the map of a few minutes, on the places of the whole hour."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from laban_dashboard.presentation.map.labels import edge_id
from laban_dashboard.presentation.time_window import TimeWindow
from laban_mapper.model import LagHistory, LagPoint, Node, ServiceMap

SPAN: Final = timedelta(minutes=5)
"""The length of one picture: the shortest time whose calls are counted beforehand."""
_HOUR: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(hours=6)
_MINUTE: Final = timedelta(minutes=1)


def replayed_window(window: TimeWindow) -> TimeWindow:
    """Return the whole minutes to replay: those of the window, or an hour if it is shorter or very long."""
    until = _whole(window.until + _MINUTE)
    since = _whole(window.since)
    if not _HOUR <= until - since <= _LONGEST:
        since = until - _HOUR
    return TimeWindow(since, until)


def positions(window: TimeWindow) -> list[datetime]:
    """Return the ends of the pictures, a minute apart."""
    number = int((window.until - window.since - SPAN) / _MINUTE)
    return [window.since + SPAN + at * _MINUTE for at in range(number + 1)]


def at_moment(whole: ServiceMap, now: ServiceMap, lag: LagHistory) -> ServiceMap:
    """Return the map of the whole time with the calls of one picture; what is quiet then has no calls.

    Groups have the messages that they were behind at the end of the picture. Their status then is not stored.
    """
    counted = {edge_id(edge): edge for edge in now.edges}
    edges = [
        counted.get(edge_id(edge))
        or edge.model_copy(
            update={"calls": 0, "errors": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None, "contracts": []}
        )
        for edge in whole.edges
    ]
    behind = messages_behind(lag.points, now.until)
    nodes = [_then(node, behind) for node in whole.nodes]
    return whole.model_copy(
        update={"nodes": nodes, "edges": edges, "since": now.since, "until": now.until, "counted_to": None}
    )


def messages_behind(points: Iterable[LagPoint], moment: datetime) -> dict[str, int]:
    """Return how many messages each group was behind in the last poll of each partition before a moment."""
    newest: dict[tuple[str | None, str, str, int], LagPoint] = {}
    for point in points:
        if point.time < moment and point.messages is not None:
            newest[point.cluster, point.group, point.topic, point.partition] = point
    behind: dict[str, int] = {}
    for (_, group, _, _), point in newest.items():
        behind[group] = behind.get(group, 0) + (point.messages or 0)
    return behind


def _then(node: Node, behind: dict[str, int]) -> Node:
    if node.kind != "group":
        return node
    return node.model_copy(update={"lag_status": None, "lag_messages": behind.get(node.name)})


def _whole(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
