"""The sequence diagram of an order."""

from collections.abc import Mapping

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component(
    "laban_sequence", html=asset("sequence.html"), css=asset("sequence.css"), js=asset("sequence.js")
)


def sequence(data: Mapping[str, object], key: str) -> None:
    """Draw the data of `order_sequence.sequence_data`."""
    _component(data=dict(data), key=key)
