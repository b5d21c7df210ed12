"""The Latency page's data: a table of all edges or routes, and the charts of one."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from laban_dashboard.presentation.chart_axes import time_axis, time_tooltip
from laban_mapper.model import LatencyHistory, LatencyPoint

PERCENTILES = {"p50_ms": "p50", "p95_ms": "p95", "p99_ms": "p99"}


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """The latency of one edge or route over the whole window, in milliseconds.

    The percentiles of time buckets cannot be merged. So the summary has the median of the buckets' p50, and
    the maximum of their p95 and p99.
    """

    name: str
    calls: int
    errors: int
    median_p50_ms: float
    max_p95_ms: float
    max_p99_ms: float
    trend_p95_ms: list[float]


def summarize(history: LatencyHistory) -> list[LatencySummary]:
    """Summarize each edge or route, the slowest first."""
    by_name: dict[str, list[LatencyPoint]] = {}
    for point in history.points:
        by_name.setdefault(point.name, []).append(point)
    found = [_summary(name, points) for name, points in by_name.items()]
    return sorted(found, key=lambda one: (-one.max_p95_ms, one.name))


def default_selection(summaries: Sequence[LatencySummary], wanted: str | None) -> str | None:
    """Return `wanted`, or the slowest name in which that service takes part, or the slowest name."""
    names = [summary.name for summary in summaries]
    if wanted in names:
        return wanted
    by_service = (name for name in names if wanted in name.replace("→", " ").split())
    return next(by_service, names[0] if names else None)


def percentiles_chart(points: Sequence[LatencyPoint], *, logarithmic: bool) -> alt.Chart:
    """Chart the p50, p95 and p99 of one edge or route over time."""
    rows = [
        {"time": point.time.isoformat(), "percentile": label, "ms": getattr(point, field)}
        for point in points
        for field, label in PERCENTILES.items()
    ]
    scale = alt.Scale(type="log") if logarithmic else alt.Scale(zero=True)
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(interpolate="monotone", strokeWidth=2, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=time_axis(point.time for point in points),
            y=alt.Y("ms:Q", title="milliseconds", scale=scale),
            color=alt.Color(
                "percentile:N", sort=list(PERCENTILES.values()), legend=alt.Legend(title=None, orient="top")
            ),
            tooltip=[
                time_tooltip(),
                "percentile:N",
                alt.Tooltip("ms:Q", format=",.1f", title="ms"),
            ],
        )
        .properties(height=300)
    )
    return chart


def calls_chart(points: Sequence[LatencyPoint], bucket_s: float) -> alt.Chart:
    """Chart the calls of one edge or route over time, split by outcome."""
    rows = [
        {"time": point.time.isoformat(), "calls": calls, "outcome": outcome}
        for point in points
        for outcome, calls in (("succeeded", point.calls - point.errors), ("failed", point.errors))
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(size=6)
        .encode(
            x=time_axis(point.time for point in points),
            y=alt.Y("calls:Q", title=f"calls per {bucket_s:g} s", stack=True),
            color=alt.Color(
                "outcome:N",
                scale=alt.Scale(domain=["succeeded", "failed"], range=["#8a97ab", "#d9534f"]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[time_tooltip(), "outcome:N", "calls:Q"],
        )
        .properties(height=190)
    )
    return chart


def _summary(name: str, points: Sequence[LatencyPoint]) -> LatencySummary:
    return LatencySummary(
        name=name,
        calls=sum(point.calls for point in points),
        errors=sum(point.errors for point in points),
        median_p50_ms=statistics.median(point.p50_ms for point in points),
        max_p95_ms=max(point.p95_ms for point in points),
        max_p99_ms=max(point.p99_ms for point in points),
        trend_p95_ms=[round(point.p95_ms, 2) for point in points],
    )
