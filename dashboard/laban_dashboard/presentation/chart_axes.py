"""The time axis and the time tooltip of all charts."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import altair as alt

_SECONDS_BELOW = timedelta(minutes=12)
_DATE_FROM = timedelta(hours=20)


def time_axis(times: Iterable[datetime]) -> alt.X:
    """Return a time axis in the browser's time zone; the label format depends on the range of `times`."""
    known = sorted(times)
    length = known[-1] - known[0] if known else timedelta()
    if length < _SECONDS_BELOW:
        pattern = "%H:%M:%S"
    elif length < _DATE_FROM:
        pattern = "%H:%M"
    else:
        pattern = "%-d %b %H:%M"
    return alt.X("time:T", title=None, axis=alt.Axis(format=pattern, labelOverlap=True, tickCount=8))


def time_tooltip() -> alt.Tooltip:
    """Return a tooltip with the time of a point, to the second."""
    return alt.Tooltip("time:T", format="%-d %b %H:%M:%S", title="time")
