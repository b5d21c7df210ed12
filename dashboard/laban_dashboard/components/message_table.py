"""The table of the messages of an order: what each consumer group has done with them."""

from collections.abc import Mapping

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component(
    "laban_message_table",
    html=asset("message_table.html"),
    css=asset("message_table.css"),
    js=asset("message_table.js"),
)


def message_table(data: Mapping[str, object], key: str) -> None:
    """Draw the data of `order_messages.message_table_data`."""
    _component(data=dict(data), key=key)
