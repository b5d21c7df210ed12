"""The Lag page's data: card captions, table rows and the chart over time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from statistics import median
from typing import Final, Literal, cast

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.chart_axes import (
    Spec,
    chart,
    colour,
    layer,
    limit_lines,
    quantity,
    time_axis,
    tooltips,
)
from laban_mapper.lag import stands_in
from laban_mapper.model import STANDS, GroupLag, LagPoint, PartitionLag
from laban_mapper.names import shortened
from laban_mapper.printable import printable

SEVERITY_ORDER = ("STOP", "STALL", "REWIND", "WARN", None, "OK")
"""None: a group that could not be read."""
Measure = Literal["messages", "seconds"]
_SOURCES: Final = {"message": "the message", "interpolated": "between two polls"}
_TIMES: Final = 240
"""About as many times has a line: of more polls, those with the most lag are shown."""
_LINES: Final = 6
"""The most lines of a chart, each with a color of its own; of more, those with the most lag."""
_HOLE: Final = 4
"""Usual times between two polls after which a line ends: nobody knows the lag until the next poll."""


def by_severity(groups: Sequence[GroupLag]) -> list[GroupLag]:
    """Sort groups by status, the most severe first."""
    return sorted(
        groups, key=lambda group: (SEVERITY_ORDER.index(group.status), -group.messages, group.group)
    )


def lag_caption(group: GroupLag) -> str:
    """Format the text below a number of messages: `messages behind, about 42 s` (slowest partition)."""
    if group.problem is not None:
        return group.problem
    if not group.messages:
        return "no messages waiting"
    noun = "message behind" if group.messages == 1 else "messages behind"
    seconds = [partition.seconds for partition in group.topics if partition.seconds is not None]
    return f"{noun}, about {formatting.duration(max(seconds) * 1000)}" if seconds else noun


def standing_caption(group: GroupLag) -> str | None:
    """What a status says of a group that stands still: `commits nothing, although it has 2 members`."""
    if group.status not in STANDS:
        return None
    nothing = f"commits nothing{stands_in(group.topics)}"
    if group.members is None:
        return f"{nothing}; members unknown"
    if not group.members:
        return f"{nothing}; has no members"
    return f"{nothing}, although it has {formatting.count(group.members, 'member')}"


def group_names(groups: Sequence[GroupLag]) -> dict[tuple[str, str | None], str]:
    """Return the name of each group, by group and cluster: `email`, or `email (prod)` if ambiguous."""
    known = Counter(group.group for group in groups)
    return {
        (group.group, group.cluster): group.group
        if known[group.group] == 1
        else f"{group.group} ({group.cluster})"
        for group in groups
    }


def partition_rows(groups: Sequence[GroupLag]) -> list[dict[str, object]]:
    """Return one row per group, topic and partition, the most severe first.

    Columns that say the same in all rows are left out: one cluster, nothing lost, no problem, one time.
    """
    pairs = [(group, partition) for group in groups for partition in group.topics]
    pairs.sort(
        key=lambda pair: (SEVERITY_ORDER.index(pair[1].status), -(pair[1].messages or 0), pair[0].group)
    )
    rows = [_row(group, partition) for group, partition in pairs]
    told = {
        "cluster": len({group.cluster for group in groups}) > 1,
        "lost": any(partition.lost for _, partition in pairs),
        "problem": any(partition.problem for _, partition in pairs),
        "read at": len({_second(partition.time) for _, partition in pairs}) > 1,
    }
    return [{name: value for name, value in row.items() if told.get(name, True)} for row in rows]


def polled_at(groups: Sequence[GroupLag], timezone: tzinfo) -> tuple[str, str]:
    """When the offsets were read, in the reader's zone, and the same in UTC; of several times, the newest."""
    times = {_second(partition.time) for group in groups for partition in group.topics}
    if not times:
        return "", ""
    newest, several = max(times), "" if len(times) == 1 else " at the latest"
    local = f"{newest.astimezone(timezone):%H:%M:%S}"
    return f"Offsets read at {local}{several}.", f"{newest.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _second(time: datetime) -> datetime:
    return time.replace(microsecond=0)


def lag_chart(
    points: Sequence[LagPoint],
    measure: Measure,
    *,
    by_partition: bool,
    objectives: Mapping[str, float] | None = None,
) -> Spec:
    """Chart lag over time: one line per group, or per partition; the objectives (s) of groups as lines."""
    rows = _thinned(_by_partition(points, measure) if by_partition else _by_group(points, measure))
    rows, series = _with_most_lag(rows)
    rows = _ended_at_holes(rows)
    title = "messages behind" if measure == "messages" else "seconds behind"
    limits = {
        f"objective of {printable(shortened(group))}: {formatting.duration(limit * 1000)}": limit
        for group, limit in (objectives or {}).items()
        if measure == "seconds"
    }
    # Without a height, Vega would draw zeros in the middle.
    scale = {"zero": True} if limits or any(row["lag"] for row in rows) else {"domain": [0, 1]}
    lines = layer(
        rows,
        {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
        x=time_axis(point.time for point in points),
        y=quantity("lag", title, scale=scale),
        color=colour("series"),
        tooltip=tooltips("series", lag=title),
    )
    drawn = chart(lines, limit_lines(limits), height=320)
    if series > _LINES:
        what = "partitions" if by_partition else "groups"
        text = f"The {_LINES} of {series:,} {what} with the most lag"
        drawn["title"] = {"text": text, "anchor": "start", "fontSize": 13, "fontWeight": "normal"}
    return drawn


def _with_most_lag(rows: Sequence[dict[str, object]]) -> tuple[list[dict[str, object]], int]:
    """The rows of the series that had the most lag, and how many series there are."""
    most: dict[object, float] = {}
    for row in rows:
        most[row["series"]] = max(most.get(row["series"], 0.0), cast("float", row["lag"]))
    kept = sorted(most, key=lambda series: (-most[series], str(series)))[:_LINES]
    return [row for row in rows if row["series"] in kept], len(most)


def _thinned(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Of neighbouring polls of a series, the one with the most lag, if there are very many."""
    times = sorted({str(row["time"]) for row in rows})
    if len(times) <= 2 * _TIMES:
        return list(rows)
    first, last = (datetime.fromisoformat(times[at]) for at in (0, -1))
    step = (last - first) / _TIMES
    kept: dict[tuple[object, int], dict[str, object]] = {}
    for row in rows:
        slot = (row["series"], (datetime.fromisoformat(str(row["time"])) - first) // step)
        if slot not in kept or cast("float", row["lag"]) >= cast("float", kept[slot]["lag"]):
            kept[slot] = row
    return list(kept.values())


def _ended_at_holes(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The rows, and one without a lag where a series has no polls for long, which ends its line there."""
    times = sorted({str(row["time"]) for row in rows})
    moments = [datetime.fromisoformat(time) for time in times]
    steps = [(after - before).total_seconds() for before, after in pairwise(moments)]
    usual = timedelta(seconds=median(steps)) if len(steps) >= _HOLE else None
    if usual is None:
        return list(rows)
    found: list[dict[str, object]] = []
    newest: dict[object, tuple[datetime, dict[str, object]]] = {}
    for row in sorted(rows, key=lambda row: str(row["time"])):
        time = datetime.fromisoformat(str(row["time"]))
        before, last = newest.get(row["series"], (time, row))
        if time - before > _HOLE * usual:
            ended = before + usual
            found.append({**last, "time": ended.isoformat()})
            found.append({**last, "time": (ended + timedelta(milliseconds=1)).isoformat(), "lag": None})
        found.append(row)
        newest[row["series"]] = (time, row)
    return found


def _row(group: GroupLag, partition: PartitionLag) -> dict[str, object]:
    return {
        "group": group.group,
        "cluster": group.cluster,
        "topic": partition.topic,
        "partition": partition.partition,
        "status": partition.status,
        "messages": partition.messages,
        "seconds": partition.seconds,
        "seconds from": _seconds_from(partition),
        "lost": partition.lost,
        "problem": partition.problem,
        "committed": partition.committed,
        "end": partition.end,
        "read at": partition.time,
    }


def _seconds_from(partition: PartitionLag) -> str:
    """How the seconds are known, or why not."""
    if partition.committed is None:
        return "unknown: no commit yet"
    if partition.messages == 0:
        return "nothing waits"
    if partition.seconds is None:
        return "unknown: written before the first poll"
    return _SOURCES.get(partition.seconds_from or "", "unknown source")


def _by_partition(points: Sequence[LagPoint], measure: Measure) -> list[dict[str, object]]:
    return [
        {
            "time": point.time.isoformat(),
            "series": printable(f"{shortened(name)} · {shortened(point.topic)}/{point.partition}"),
            "lag": getattr(point, measure),
        }
        for name, point in _named(points)
        if getattr(point, measure) is not None
    ]


def _by_group(points: Sequence[LagPoint], measure: Measure) -> list[dict[str, object]]:
    """Add up the partitions' messages; take the slowest partition's seconds."""
    totals: dict[tuple[str, str], float] = {}
    for name, point in _named(points):
        value = point.messages if measure == "messages" else point.seconds
        if value is None:
            continue
        key = (point.time.isoformat(), printable(shortened(name)))
        total = totals.get(key, 0.0)
        totals[key] = total + value if measure == "messages" else max(total, value)
    return [{"time": time, "series": group, "lag": lag} for (time, group), lag in totals.items()]


def _named(points: Sequence[LagPoint]) -> Iterator[tuple[str, LagPoint]]:
    """Yield each point with the name of its group, which has the cluster if several have the group."""
    clusters: dict[str, set[str | None]] = {}
    for point in points:
        clusters.setdefault(point.group, set()).add(point.cluster)
    for point in points:
        several = len(clusters[point.group]) > 1
        yield f"{point.group} ({point.cluster})" if several else point.group, point
