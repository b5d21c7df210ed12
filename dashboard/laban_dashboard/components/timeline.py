"""The timeline of a story: one row a step, bars on a time axis, dashes for time in a queue."""

from collections.abc import Mapping

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component(
    "laban_timeline",
    html=asset("timeline.html"),
    css=asset("timeline.css"),
    js=asset("timeline.js"),
)


def timeline(bars: Mapping[str, object], key: str) -> None:
    """Draw the bars of `order_view.bars`. What is unfolded and filtered stays in the page."""
    _component(data=dict(bars), key=key)
