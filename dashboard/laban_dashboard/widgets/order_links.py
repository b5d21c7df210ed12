"""Opens the Order page from another page."""

from typing import Final

import streamlit as st

_ASKED: Final = "order_to_open"


def open_clicked(table: str) -> None:
    """Remember the order that was clicked in a table of orders; `follow` opens it.

    Streamlit changes the page only outside a callback.
    """
    opened = st.session_state[table].get("open")
    if isinstance(opened, str):
        st.session_state[_ASKED] = opened


def follow() -> None:
    """Open the Order page if an order was clicked."""
    opened = st.session_state.pop(_ASKED, None)
    if opened is not None:
        st.switch_page("views/order.py", query_params={"order": opened})
