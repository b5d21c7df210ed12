"""Replays an hour: the map of a few minutes, on the places of the whole hour."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from laban_dashboard.presentation.map.labels import edge_id
from laban_dashboard.presentation.time_window import TimeWindow
from laban_mapper.lag import worst
from laban_mapper.model import GroupLag, LagPoint, LagStatus, Node, ServiceMap

SPAN: Final = timedelta(minutes=5)
"""The length of one picture: the shortest time whose calls are counted beforehand."""
_HOUR: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(hours=6)
_MINUTE: Final = timedelta(minutes=1)


def replayed_window(window: TimeWindow) -> TimeWindow:
    """Return the whole minutes to replay: those of the window, or an hour if it is shorter or very long.

    A live window ends with the last minute that is over, because rates of the current one would be too low.
    """
    until = _whole(window.until if window.live else window.until + _MINUTE)
    since = _whole(window.since)
    if not _HOUR <= until - since <= _LONGEST:
        since = until - _HOUR
    return TimeWindow(since, until)


def positions(window: TimeWindow) -> list[datetime]:
    """Return the ends of the pictures, a minute apart."""
    number = int((window.until - window.since - SPAN) / _MINUTE)
    return [window.since + SPAN + at * _MINUTE for at in range(number + 1)]


def at_moment(whole: ServiceMap, now: ServiceMap, lag: Iterable[GroupLag]) -> ServiceMap:
    """Return the map of the whole time with the calls of one picture; what is quiet then has no calls.

    Args:
        whole: the map of the whole time.
        now: the map of the picture.
        lag: of the groups at the end of the picture; groups that are not in it have none.
    """
    counted = {edge_id(edge): edge for edge in now.edges}
    edges = [
        counted.get(edge_id(edge))
        or edge.model_copy(
            update={"calls": 0, "errors": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None, "contracts": []}
        )
        for edge in whole.edges
    ]
    known = {group.group: group for group in lag}
    nodes = [_then(node, known) for node in whole.nodes]
    return whole.model_copy(
        update={"nodes": nodes, "edges": edges, "since": now.since, "until": now.until, "counted_to": None}
    )


def lag_then(points: Iterable[LagPoint], moment: datetime) -> list[GroupLag]:
    """Return how far behind each group was in the last poll of each partition before a moment.

    A group has the worst of the statuses of its partitions, as it is shown now; None if none was told.
    """
    newest: dict[tuple[str, str | None], dict[tuple[str, int], LagPoint]] = {}
    for point in points:
        if point.time < moment:
            newest.setdefault((point.group, point.cluster), {})[point.topic, point.partition] = point
    return [_group_then(group, cluster, list(found.values())) for (group, cluster), found in newest.items()]


def unknown_then(shown: ServiceMap, lag: Iterable[GroupLag]) -> list[str]:
    """Return the groups on a map whose status at that time nobody knows."""
    known = {group.group for group in lag if group.status is not None}
    return [node.name for node in shown.nodes if node.kind == "group" and node.name not in known]


def _group_then(group: str, cluster: str | None, points: list[LagPoint]) -> GroupLag:
    statuses: list[LagStatus] = [point.status for point in points if point.status is not None]
    return GroupLag(
        group=group,
        cluster=cluster,
        status=worst(statuses) if statuses else None,
        messages=sum(point.messages or 0 for point in points),
        topics=[],
    )


def _then(node: Node, known: Mapping[str, GroupLag]) -> Node:
    if node.kind != "group":
        return node
    then = known.get(node.name)
    if then is None:
        return node.model_copy(update={"lag_status": None, "lag_messages": None})
    return node.model_copy(update={"lag_status": then.status, "lag_messages": then.messages})


def _whole(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
