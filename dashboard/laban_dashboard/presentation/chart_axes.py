"""The parts that all charts share: the time axis, the times in tooltips, colours and limits; as Vega-Lite.

Charts are plain dictionaries: to build and check them as Altair's objects takes longer than all else of a
refresh. The data of each layer stays in its layer, so Streamlit has nothing to convert.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, object]]

_SECONDS_BELOW: Final = timedelta(minutes=12)
_DATE_FROM: Final = timedelta(hours=20)
_AXIS_WIDTH: Final = 40
"""Pixels for the numbers of an axis; wider ones get more."""
_APART: Final = 10
"""Pixels between two labels, and from a label to the end of an axis."""
_PADDING: Final = 5
"""Pixels at both ends of an axis of time, so that a bar there is whole and charts above each other agree."""
_LEGEND: Final = {"title": None, "orient": "top", "labelLimit": 320}


def chart(*layers: Spec, height: int) -> Spec:
    """Return a chart with these layers, one above the other."""
    return {"layer": [layer for layer in layers if layer["data"]["values"]], "height": height}


def layer(rows: Rows, mark: Spec, **encoding: Spec | list[Spec]) -> Spec:
    """Return a layer: how the rows are drawn."""
    return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}


def time_axis(times: Iterable[datetime], window: tuple[datetime, datetime] | None = None) -> Spec:
    """Return a time axis in the browser's time zone; the labels depend on the range of `times`.

    Args:
        times: of the points.
        window: which times the axis has; None: those of the points.
    """
    known = sorted(times if window is None else window)
    length = known[-1] - known[0] if known else timedelta()
    axis = {
        "labelExpr": _label(length),
        "labelOverlap": "greedy",
        "labelSeparation": _APART,
        "labelFlush": _APART,
        "tickCount": 8,
    }
    scale: Spec = {"padding": _PADDING}
    if window is not None:
        scale["domain"] = [_moment(one) for one in window]
    return {"field": "time", "type": "temporal", "title": None, "axis": axis, "scale": scale}


def _label(length: timedelta) -> str:
    """The expression of a label: the time of day, with the date below it at the begin of a day.

    In a long range, the first label has the date, too.
    """
    time = f"timeFormat(datum.value, '{'%H:%M:%S' if length < _SECONDS_BELOW else '%H:%M'}')"
    begins = "hours(datum.value) + minutes(datum.value) + seconds(datum.value) == 0"
    dated = begins if length < _DATE_FROM else f"({begins}) || datum.index == 0"
    return f"{dated} ? [{time}, timeFormat(datum.value, '%-d %b')] : {time}"


def quantity(field: str, title: str, **more: object) -> Spec:
    """Return a y axis of numbers, as wide as in the chart above or below it."""
    axis = {"minExtent": _AXIS_WIDTH}
    return {"field": field, "type": "quantitative", "title": title, "axis": axis, **more}


def colour(field: str, **more: object) -> Spec:
    """Return colours by a name, with a legend above the chart."""
    return {"field": field, "type": "nominal", "legend": _LEGEND, **more}


def tooltips(*texts: str, **numbers: str) -> list[Spec]:
    """Return a tooltip: the time to the second, in the browser's time zone and in UTC; texts, and numbers.

    Args:
        texts: fields.
        numbers: titles by field.
    """
    return [
        {"field": "time", "type": "temporal", "format": "%-d %b %H:%M:%S", "title": "time"},
        {
            "field": "time",
            "type": "temporal",
            "timeUnit": "utchoursminutesseconds",
            "format": "%H:%M:%S",
            "title": "UTC",
        },
        *({"field": text, "type": "nominal"} for text in texts),
        *(
            {"field": field, "type": "quantitative", "format": ",.1f", "title": title}
            for field, title in numbers.items()
        ),
    ]


def limit_lines(limits: Mapping[str, float]) -> Spec:
    """Return dashed lines at values of the y axis; their labels stand in the legend of the colours."""
    return layer(
        [{"limit": value, "label": label} for label, value in limits.items()],
        {"type": "rule", "strokeDash": [6, 4], "strokeWidth": 2},
        y={"field": "limit", "type": "quantitative"},
        color=colour("label"),
        tooltip={"field": "label", "type": "nominal"},
    )


def _moment(time: datetime) -> Spec:
    utc = time.astimezone(UTC)
    return {
        "year": utc.year,
        "month": utc.month,
        "date": utc.day,
        "hours": utc.hour,
        "minutes": utc.minute,
        "seconds": utc.second,
        "utc": True,
    }
