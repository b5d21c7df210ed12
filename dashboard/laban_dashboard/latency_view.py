"""From latency over time to what the Latency page shows: a table of all names and the chart of one."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from laban_dashboard.charts import moment_tooltip, time_axis
from laban_mapper.model import LatencyHistory, LatencyPoint

QUANTILES = {"p50_ms": "p50", "p95_ms": "p95", "p99_ms": "p99"}


@dataclass(frozen=True, slots=True)
class Summary:
    """One edge or route over the whole window.

    Percentiles of buckets cannot be merged into one of the window, so: the median of the buckets' p50, and
    the worst bucket's p95 and p99. Milliseconds.
    """

    name: str
    calls: int
    errors: int
    typical_p50_ms: float
    worst_p95_ms: float
    worst_p99_ms: float
    trend_p95_ms: list[float]


def summaries(history: LatencyHistory) -> list[Summary]:
    """One for each name, the slowest first."""
    by_name: dict[str, list[LatencyPoint]] = {}
    for point in history.points:
        by_name.setdefault(point.name, []).append(point)
    found = [_summary(name, points) for name, points in by_name.items()]
    return sorted(found, key=lambda one: (-one.worst_p95_ms, one.name))


def matching(found: Sequence[Summary], of: str | None) -> str | None:
    """The name that is `of`, or the slowest in which a service of that name takes part; else the slowest."""
    names = [summary.name for summary in found]
    if of in names:
        return of
    part = (name for name in names if of in name.replace("→", " ").split())
    return next(part, names[0] if names else None)


def percentiles_chart(points: Sequence[LatencyPoint], *, logarithmic: bool) -> alt.Chart:
    """p50, p95 and p99 of one name over time."""
    rows = [
        {"time": point.time.isoformat(), "percentile": label, "ms": getattr(point, field)}
        for point in points
        for field, label in QUANTILES.items()
    ]
    scale = alt.Scale(type="log") if logarithmic else alt.Scale(zero=True)
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(interpolate="monotone", strokeWidth=2, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=time_axis(point.time for point in points),
            y=alt.Y("ms:Q", title="milliseconds", scale=scale),
            color=alt.Color(
                "percentile:N", sort=list(QUANTILES.values()), legend=alt.Legend(title=None, orient="top")
            ),
            tooltip=[
                moment_tooltip(),
                "percentile:N",
                alt.Tooltip("ms:Q", format=",.1f", title="ms"),
            ],
        )
        .properties(height=300)
    )
    return chart


def calls_chart(points: Sequence[LatencyPoint], bucket_s: float) -> alt.Chart:
    """Calls of one name over time, the failed ones apart."""
    rows = [
        {"time": point.time.isoformat(), "calls": number, "outcome": outcome}
        for point in points
        for outcome, number in (("answered", point.calls - point.errors), ("failed", point.errors))
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(size=6)
        .encode(
            x=time_axis(point.time for point in points),
            y=alt.Y("calls:Q", title=f"calls per {bucket_s:g} s", stack=True),
            color=alt.Color(
                "outcome:N",
                scale=alt.Scale(domain=["answered", "failed"], range=["#8a97ab", "#d9534f"]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[moment_tooltip(), "outcome:N", "calls:Q"],
        )
        .properties(height=190)
    )
    return chart


def _summary(name: str, points: Sequence[LatencyPoint]) -> Summary:
    return Summary(
        name=name,
        calls=sum(point.calls for point in points),
        errors=sum(point.errors for point in points),
        typical_p50_ms=statistics.median(point.p50_ms for point in points),
        worst_p95_ms=max(point.p95_ms for point in points),
        worst_p99_ms=max(point.p99_ms for point in points),
        trend_p95_ms=[round(point.p95_ms, 2) for point in points],
    )
