"""The time axis, the times in tooltips, and the limits of all charts."""

import importlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import altair as alt

# Altair uses it as soon as another browser's thread has begun to load it.
importlib.import_module("pandas")

_SECONDS_BELOW: Final = timedelta(minutes=12)
_DATE_FROM: Final = timedelta(hours=20)


def time_axis(times: Iterable[datetime], window: tuple[datetime, datetime] | None = None) -> alt.X:
    """Return a time axis in the browser's time zone; the label format depends on the range of `times`.

    Args:
        times: of the points.
        window: which times the axis has; None: those of the points.
    """
    known = sorted(times if window is None else window)
    length = known[-1] - known[0] if known else timedelta()
    if length < _SECONDS_BELOW:
        pattern = "%H:%M:%S"
    elif length < _DATE_FROM:
        pattern = "%H:%M"
    else:
        pattern = "%-d %b %H:%M"
    scale = alt.Scale() if window is None else alt.Scale(domain=[one.astimezone(UTC) for one in window])
    axis = alt.Axis(format=pattern, labelOverlap=True, tickCount=8)
    return alt.X("time:T", title=None, axis=axis, scale=scale)


def time_tooltip() -> list[alt.Tooltip]:
    """Return a tooltip with the time of a point, to the second: in the browser's time zone, and in UTC."""
    return [
        alt.Tooltip("time:T", format="%-d %b %H:%M:%S", title="time"),
        alt.Tooltip("time:T", timeUnit="utchoursminutesseconds", format="%H:%M:%S", title="UTC"),
    ]


def limit_lines(limits: Mapping[str, float]) -> alt.Chart:
    """Return dashed lines at values of the y axis; their labels stand in the legend of the colours."""
    rows = [{"limit": value, "label": label} for label, value in limits.items()]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_rule(strokeDash=[6, 4], strokeWidth=2)
        .encode(
            y="limit:Q",
            color=alt.Color("label:N", legend=alt.Legend(title=None, orient="top")),
            tooltip="label:N",
        )
    )
    return chart
