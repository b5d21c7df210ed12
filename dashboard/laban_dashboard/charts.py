"""What all charts over time share."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import altair as alt

_SECONDS_UNTIL = timedelta(minutes=12)
_DATE_FROM = timedelta(hours=20)


def time_axis(times: Iterable[datetime]) -> alt.X:
    """The axis of time, in the browser's zone, as fine as the span of these times asks for."""
    known = sorted(times)
    length = known[-1] - known[0] if known else timedelta()
    if length < _SECONDS_UNTIL:
        pattern = "%H:%M:%S"
    elif length < _DATE_FROM:
        pattern = "%H:%M"
    else:
        pattern = "%-d %b %H:%M"
    return alt.X("time:T", title=None, axis=alt.Axis(format=pattern, labelOverlap=True, tickCount=8))


def moment_tooltip() -> alt.Tooltip:
    """The time of a point, to the second."""
    return alt.Tooltip("time:T", format="%-d %b %H:%M:%S", title="time")
