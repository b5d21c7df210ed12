"""From lag to what the Lag page shows: cards, a table and the chart over time."""

from collections.abc import Sequence
from typing import Literal

import altair as alt

from laban_dashboard import words
from laban_dashboard.charts import moment_tooltip, time_axis
from laban_mapper.model import GroupLag, LagPoint, PartitionLag

WORST_FIRST = ("STOP", "STALL", "REWIND", "WARN", "OK")
Measure = Literal["messages", "seconds"]


def worst_first(groups: Sequence[GroupLag]) -> list[GroupLag]:
    """What needs attention on top."""
    return sorted(groups, key=lambda group: (WORST_FIRST.index(group.status), -group.messages, group.group))


def behind(group: GroupLag) -> str:
    """What stands below its number of messages: `messages behind, about 42 s`, by the worst partition."""
    seconds = [partition.seconds for partition in group.topics if partition.seconds is not None]
    if not group.messages:
        return "nothing waits"
    waiting = "message behind" if group.messages == 1 else "messages behind"
    return f"{waiting}, about {words.duration(max(seconds) * 1000)}" if seconds else waiting


def partition_rows(groups: Sequence[GroupLag]) -> list[dict[str, object]]:
    """One row for each group, topic and partition, the worst first."""
    rows = [(group, partition) for group in groups for partition in group.topics]
    rows.sort(key=lambda row: (WORST_FIRST.index(row[1].status), -(row[1].messages or 0), row[0].group))
    return [_row(group, partition) for group, partition in rows]


def lag_chart(points: Sequence[LagPoint], measure: Measure, *, by_partition: bool) -> alt.Chart:
    """Lag over time: a line for each group, or for each of its partitions."""
    rows = _by_partition(points, measure) if by_partition else _by_group(points, measure)
    title = "messages waiting" if measure == "messages" else "seconds behind"
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=time_axis(point.time for point in points),
            y=alt.Y("lag:Q", title=title, scale=alt.Scale(zero=True)),
            color=alt.Color("series:N", legend=alt.Legend(title=None, orient="top", labelLimit=320)),
            tooltip=[
                moment_tooltip(),
                "series:N",
                alt.Tooltip("lag:Q", format=",.1f", title=title),
            ],
        )
        .properties(height=320)
    )
    return chart


def _row(group: GroupLag, partition: PartitionLag) -> dict[str, object]:
    return {
        "group": group.group,
        "topic": partition.topic,
        "partition": partition.partition,
        "status": partition.status,
        "messages": partition.messages,
        "seconds": partition.seconds,
        "committed": partition.committed,
        "end": partition.end,
        "read at": partition.time,
    }


def _by_partition(points: Sequence[LagPoint], measure: Measure) -> list[dict[str, object]]:
    return [
        {
            "time": point.time.isoformat(),
            "series": f"{point.group} · {point.topic}/{point.partition}",
            "lag": getattr(point, measure),
        }
        for point in points
        if getattr(point, measure) is not None
    ]


def _by_group(points: Sequence[LagPoint], measure: Measure) -> list[dict[str, object]]:
    """Messages add up over partitions; seconds are those of the worst."""
    together: dict[tuple[str, str], float] = {}
    for point in points:
        value = point.messages if measure == "messages" else point.seconds
        if value is None:
            continue
        at = (point.time.isoformat(), point.group)
        known = together.get(at, 0.0)
        together[at] = known + value if measure == "messages" else max(known, value)
    return [{"time": time, "series": group, "lag": lag} for (time, group), lag in together.items()]
