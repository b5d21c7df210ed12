"""The timeline of a story: one row per step, a bar on a time axis, dashes for time in a queue."""

from collections.abc import Mapping

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component(
    "laban_timeline",
    html=asset("timeline.html"),
    css=asset("timeline.css"),
    js=asset("timeline.js"),
)


def timeline(data: Mapping[str, object], key: str) -> None:
    """Draw the data of `order_timeline.timeline_data`; the page keeps the expanded rows and the filter."""
    _component(data=dict(data), key=key)
