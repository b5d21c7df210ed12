"""Builds the lag report and the lag history from polled offsets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, get_args

from laban_collector.store import rows as stored
from laban_collector.store.rows import MAX_ROWS, Lag, MessageRef
from laban_mapper.model import (
    STANDS,
    GroupLag,
    LagHistory,
    LagPoint,
    LagProblem,
    LagReport,
    LagStatus,
    Node,
    PartitionLag,
    SecondsFrom,
)
from laban_mapper.names import counted
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import utc_time

SEVERITY: Final[dict[LagStatus, int]] = {"OK": 0, "WARN": 1, "REWIND": 2, "STALL": 3, "STOP": 4}
_STATUSES: Final[dict[str, LagStatus]] = {str(status): status for status in SEVERITY}
_SOURCES: Final[dict[str | None, SecondsFrom]] = {str(source): source for source in get_args(SecondsFrom)}

_STALE: Final = 60 * NS_PER_S
"""Age of a poll, ns, compared with the newest one of its cluster, after which it tells nothing about now."""

Cluster = str
Group = tuple[str, Cluster]


def report(
    rows: Sequence[Lag],
    problems: Sequence[stored.LagProblem] = (),
    published: Mapping[MessageRef, int] | None = None,
) -> LagReport:
    """The newest poll of every group; the status of a group is the worst of its partitions.

    Args:
        rows: the newest poll of each group and partition.
        problems: what could not be read; a group of which nothing could be read is part of the report, too.
        published: when (ns) first unread messages were published, as far as spans tell.
    """
    reasons = {(one.cluster, one.group, one.topic, one.partition): one.reason for one in problems}
    by_group: dict[Group, list[Lag]] = {}
    for row in rows:
        by_group.setdefault((row.group, row.cluster), []).append(row)
    groups = [_group(*key, found, reasons, published or {}) for key, found in by_group.items()]
    groups += [_unread_group(one) for one in problems if _is_unread_group(one, by_group)]
    return LagReport(
        groups=sorted(groups, key=lambda group: (group.group, group.cluster or "")),
        problems=[
            LagProblem(
                cluster=one.cluster,
                group=one.group,
                topic=one.topic,
                partition=one.partition,
                reason=one.reason,
                time=utc_time(one.time),
            )
            for one in problems
        ],
        truncated=len(rows) >= MAX_ROWS,
    )


def history(rows: Sequence[Lag]) -> LagHistory:
    """All polls of a time range for a chart; if there are more than MAX_ROWS, the newest ones."""
    return LagHistory(
        truncated=len(rows) >= MAX_ROWS,
        points=[
            LagPoint(
                time=utc_time(row.time),
                group=row.group,
                topic=row.topic,
                partition=row.partition,
                messages=row.messages,
                seconds=row.seconds,
                cluster=row.cluster,
                status=status_of(row),
            )
            for row in rows
        ],
    )


def first_unread(rows: Iterable[Lag]) -> dict[MessageRef, Lag]:
    """The first unread message of each partition whose age is only interpolated or unknown.

    Spans do not name their cluster, so topics that several clusters have are left out.
    """
    known = list(rows)
    clusters: dict[str, set[str]] = {}
    for row in known:
        clusters.setdefault(row.topic, set()).add(row.cluster)
    return {
        MessageRef(row.topic, row.partition, max(row.committed, row.start)): row
        for row in known
        if row.messages
        and row.committed is not None
        and row.seconds_from != "message"
        and len(clusters[row.topic]) == 1
    }


def recent(rows: Sequence[Lag]) -> list[Lag]:
    """The rows of the newest polls of each cluster, without groups that no longer exist."""
    newest: dict[Cluster, int] = {}
    for row in rows:
        newest[row.cluster] = max(newest.get(row.cluster, 0), row.time)
    return [row for row in rows if row.time >= newest[row.cluster] - _STALE]


def with_lag(nodes: Iterable[Node], rows: Sequence[Lag]) -> list[Node]:
    """Nodes of the service map; groups get the status and the messages of all clusters together."""
    by_group: dict[str, list[Lag]] = {}
    for row in recent(rows):
        by_group.setdefault(row.group, []).append(row)
    return [
        node.model_copy(update=_totals(by_group[node.name]))
        if node.kind == "group" and node.name in by_group
        else node
        for node in nodes
    ]


def lag_mark(node: Node) -> str | None:
    """How a group lags, such as `STOP, 1,700 behind`; None if it keeps up or is no group."""
    if node.lag_status is None or node.lag_status == "OK":
        return None
    return f"{node.lag_status}, {node.lag_messages or 0:,} behind"


def stands_in(topics: Sequence[PartitionLag]) -> str:
    """Where a group stands still: ` in 5 of 6 partitions`; empty if in all of them."""
    standing = sum(one.status in STANDS for one in topics)
    return f" in {standing:,} of {counted(len(topics), 'partition')}" if 0 < standing < len(topics) else ""


def how_it_stands(status: LagStatus | None, members: int | None, topics: Sequence[PartitionLag] = ()) -> str:
    """What a group does whose messages wait and whose status is STOP or STALL."""
    nothing = f"commits nothing{stands_in(topics)}"
    if members == 0:
        return f"has no members and {nothing}"
    if members and status == "STALL":
        return f"{nothing}, although it has {counted(members, 'member')}"
    return nothing


def problem_place(problem: LagProblem) -> str:
    """Name what could not be read: `group email in prod`, `topic orders, partition 1 in prod`."""
    parts = [
        f"{word} {value}"
        for word, value in (
            ("group", problem.group),
            ("topic", problem.topic),
            ("partition", problem.partition),
        )
        if value is not None
    ]
    return f"{', '.join(parts) or 'everything'} in {problem.cluster}"


def worst(statuses: Iterable[LagStatus]) -> LagStatus:
    """The worst of some statuses."""
    return max(statuses, key=lambda status: SEVERITY[status])


def status_of(row: Lag) -> LagStatus:
    """The status of a row, typed."""
    return _STATUSES[row.status]


def _totals(rows: Sequence[Lag]) -> dict[str, object]:
    return {
        "lag_status": worst(status_of(row) for row in rows),
        "lag_messages": sum(row.messages or 0 for row in rows),
    }


Reasons = Mapping[tuple[Cluster, str | None, str | None, int | None], str]
"""Why something could not be read, by cluster, group, topic and partition."""


def _group(
    group: str,
    cluster: Cluster,
    rows: Sequence[Lag],
    reasons: Reasons,
    published: Mapping[MessageRef, int],
) -> GroupLag:
    partitions = [_partition(row, reasons, published) for row in rows]
    newest = max(rows, key=lambda row: row.time)
    return GroupLag(
        group=group,
        status=worst(partition.status for partition in partitions),
        messages=sum(partition.messages or 0 for partition in partitions),
        topics=partitions,
        cluster=cluster,
        lost=sum(partition.lost for partition in partitions),
        members=newest.members,
        problem=reasons.get((cluster, group, None, None)),
    )


def _is_unread_group(problem: stored.LagProblem, known: Mapping[Group, object]) -> bool:
    if problem.group is None or problem.topic is not None:
        return False
    return (problem.group, problem.cluster) not in known


def _unread_group(problem: stored.LagProblem) -> GroupLag:
    return GroupLag(
        group=problem.group or "",
        status=None,
        messages=0,
        topics=[],
        cluster=problem.cluster,
        problem=problem.reason,
    )


def _partition(row: Lag, reasons: Reasons, published: Mapping[MessageRef, int]) -> PartitionLag:
    seconds, source = row.seconds, _SOURCES.get(row.seconds_from)
    if row.committed is not None and source != "message":
        at = published.get(MessageRef(row.topic, row.partition, max(row.committed, row.start)))
        if row.messages and at is not None and at <= row.time:
            seconds, source = (row.time - at) / NS_PER_S, "span"
    return PartitionLag(
        topic=row.topic,
        partition=row.partition,
        committed=row.committed,
        end=row.end,
        messages=row.messages,
        seconds=seconds,
        status=status_of(row),
        time=utc_time(row.time),
        start=row.start,
        lost=row.lost,
        seconds_from=source,
        problem=_reason(row, reasons),
    )


def _reason(row: Lag, reasons: Reasons) -> str | None:
    """Why the newest poll could not read what a row tells, if that is so."""
    if not reasons:
        return None
    for group in (row.group, None):
        for topic, partition in ((row.topic, row.partition), (row.topic, None), (None, None)):
            found = reasons.get((row.cluster, group, topic, partition))
            if found is not None:
                return found
    return None
