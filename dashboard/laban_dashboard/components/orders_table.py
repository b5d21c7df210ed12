"""The table of orders: one row per order, with its outcome, duration, cause and where it is."""

from collections.abc import Callable, Mapping

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component(
    "laban_orders_table",
    html=asset("orders_table.html"),
    css=asset("orders_table.css"),
    js=asset("orders_table.js"),
)


def orders_table(data: Mapping[str, object], key: str, on_open: Callable[[], None]) -> str | None:
    """Draw the data of `orders_rows.orders_table_data`; returns the query of the order that was clicked.

    The value is there in one run only: the run after the click.
    """
    result = _component(data=dict(data), key=key, on_open_change=on_open)
    opened = result.get("open")
    return opened if isinstance(opened, str) else None
