"""The Latency page's data: a table of all edges or routes, and the charts of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

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
from laban_mapper.model import LatencyHistory, LatencyPoint, LatencyTotal

PERCENTILES: Final = {"p50_ms": "p50", "p95_ms": "p95", "p99_ms": "p99"}
Window = tuple[datetime, datetime]
_GREY, _RED = "#8a97ab", "#d9534f"


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """The latency of one edge or route over the whole window, and its 95th percentile over time (ms)."""

    total: LatencyTotal
    trend_p95_ms: list[float]

    @property
    def name(self) -> str:
        """The name of the edge or the route."""
        return self.total.name

    @property
    def misses(self) -> bool:
        """Whether the 95th percentile is above the objective."""
        return self.total.objective_ms is not None and self.total.p95_ms > self.total.objective_ms


def summarize(history: LatencyHistory) -> list[LatencySummary]:
    """Summarize each edge or route, the slowest first."""
    trends: dict[str, list[float]] = {}
    for point in history.points:
        trends.setdefault(point.name, []).append(round(point.p95_ms, 2))
    found = [LatencySummary(total, trends.get(total.name, [])) for total in history.totals]
    return sorted(found, key=lambda one: (-one.total.p95_ms, one.name))


def default_selection(summaries: Sequence[LatencySummary], wanted: str | None) -> str | None:
    """Return `wanted`, or the slowest name in which that service takes part, or the slowest name."""
    names = [summary.name for summary in summaries]
    if wanted in names:
        return wanted
    by_service = (name for name in names if wanted in name.replace("→", " ").split())
    return next(by_service, names[0] if names else None)


def table_rows(summaries: Sequence[LatencySummary]) -> list[dict[str, object]]:
    """One row for each edge or route; the objective only if there is one for any."""
    promised = any(summary.total.objective_ms is not None for summary in summaries)
    return [
        {
            "name": summary.name,
            "calls": summary.total.calls,
            "errors": formatting.percentage(summary.total.errors, summary.total.calls),
            "p50": summary.total.p50_ms,
            "p95": summary.total.p95_ms,
            "p99": summary.total.p99_ms,
            **({"objective": _objective(summary)} if promised else {}),
            "trend": summary.trend_p95_ms,
        }
        for summary in summaries
    ]


def basis(history: LatencyHistory) -> str:
    """What the numbers rest on, and what is left out."""
    told = "Percentiles of the whole time range are of all calls in it, not averages over time."
    if history.within_percent is not None:
        told += (
            f" Durations are counted in buckets {history.within_percent:.1f} % wide: a percentile is right "
            "to within that."
        )
    if history.left_out:
        kind = "edge" if history.by == "edge" else "route"
        told += f" {formatting.count(history.left_out, kind)} with fewer calls left out."
    return told


def percentiles_chart(
    points: Sequence[LatencyPoint],
    objective_ms: float | None = None,
    window: Window | None = None,
    *,
    logarithmic: bool,
) -> Spec:
    """Chart the p50, p95 and p99 of one edge or route over time, and its objective as a line."""
    rows = [
        {"time": point.time.isoformat(), "percentile": label, "ms": getattr(point, field)}
        for point in points
        for field, label in PERCENTILES.items()
    ]
    scale = {"type": "log"} if logarithmic else {"zero": True}
    limit = f"objective: p95 ≤ {formatting.duration(objective_ms)}"
    limits = {} if objective_ms is None else {limit: objective_ms}
    lines = layer(
        rows,
        {"type": "line", "strokeWidth": 2, "point": {"size": 22}},
        x=time_axis((point.time for point in points), window),
        y=quantity("ms", "milliseconds", scale=scale),
        color=colour("percentile", scale={"domain": [*PERCENTILES.values(), *limits]}),
        tooltip=tooltips("percentile", ms="ms"),
    )
    return chart(lines, limit_lines(limits), height=300)


def calls_chart(points: Sequence[LatencyPoint], bucket_s: float, window: Window | None = None) -> Spec:
    """Chart the calls of one edge or route over time, split by outcome. A bar is as wide as its time."""
    rows = [
        {
            "time": point.time.isoformat(),
            "end": _end(point, bucket_s, window).isoformat(),
            "outcome": outcome,
            "calls": above - below,
            "below": below,
            "above": above,
        }
        for point in points
        for outcome, below, above in (
            ("succeeded", 0, point.calls - point.errors),
            ("failed", point.calls - point.errors, point.calls),
        )
        if above > below
    ]
    bars = layer(
        rows,
        {"type": "rect", "x2Offset": -1},
        x=time_axis((point.time for point in points), window),
        x2={"field": "end"},
        y=quantity("above", f"calls per {_span(bucket_s)}", scale={"zero": True}),
        y2={"field": "below"},
        color=colour("outcome", scale={"domain": ["succeeded", "failed"], "range": [_GREY, _RED]}),
        tooltip=tooltips("outcome", calls="calls"),
    )
    return chart(bars, height=190)


def _end(point: LatencyPoint, bucket_s: float, window: Window | None) -> datetime:
    """Where the time ends that a point counts: at the latest now, of the one that is not over."""
    end = point.time + timedelta(seconds=bucket_s)
    return end if window is None else min(end, window[1])


def _objective(summary: LatencySummary) -> str:
    limit = summary.total.objective_ms
    if limit is None:
        return ""
    return f"{'missed' if summary.misses else 'met'} ({formatting.duration(limit)})"


def _span(seconds: float) -> str:
    if seconds in (1, 60):
        return "second" if seconds == 1 else "minute"
    return f"{seconds / 60:g} min" if seconds > 60 and not seconds % 60 else f"{seconds:g} s"
