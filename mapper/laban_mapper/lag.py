"""Builds the lag report and the lag history from polled offsets."""

from collections.abc import Sequence
from typing import Final

from laban_collector.store.rows import MAX_ROWS, Lag
from laban_mapper.model import GroupLag, LagHistory, LagPoint, LagReport, LagStatus, PartitionLag
from laban_mapper.times import utc_time

_SEVERITY: Final[dict[LagStatus, int]] = {"OK": 0, "WARN": 1, "REWIND": 2, "STALL": 3, "STOP": 4}
_STATUSES: Final[dict[str, LagStatus]] = {str(status): status for status in _SEVERITY}


def report(rows: Sequence[Lag]) -> LagReport:
    """The newest poll of every group; the status of a group is the worst of its partitions."""
    by_group: dict[str, list[PartitionLag]] = {}
    for row in rows:
        by_group.setdefault(row.group, []).append(_partition(row))
    groups = [_group(group, by_group[group]) for group in sorted(by_group)]
    return LagReport(groups=groups, truncated=len(rows) >= MAX_ROWS)


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
            )
            for row in rows
        ],
    )


def _group(group: str, partitions: list[PartitionLag]) -> GroupLag:
    return GroupLag(
        group=group,
        status=_worst({partition.status for partition in partitions}),
        messages=sum(partition.messages or 0 for partition in partitions),
        topics=partitions,
    )


def _worst(statuses: set[LagStatus]) -> LagStatus:
    return max(statuses, key=lambda status: _SEVERITY[status])


def _partition(row: Lag) -> PartitionLag:
    return PartitionLag(
        topic=row.topic,
        partition=row.partition,
        committed=row.committed,
        end=row.end,
        messages=row.messages,
        seconds=row.seconds,
        status=_STATUSES[row.status],
        time=utc_time(row.time),
    )
