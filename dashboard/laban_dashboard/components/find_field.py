"""A search field for a list that Streamlit draws, with the keyboard of the other lists."""

import streamlit as st
from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component(
    "laban_find_field", html=asset("find_field.html"), css=asset("find_field.css"), js=asset("find_field.js")
)


def find_field(label: str, parameter: str, selector: str, key: str) -> str:
    """Draw the field and return its text, which a parameter of the URL keeps.

    Args:
        label: what it finds.
        parameter: of the URL.
        selector: of the places of the list to which the arrow keys go, as CSS.
        key: of the component.
    """

    def find() -> None:
        """Set what the address in the browser has already, so that Streamlit knows it."""
        found = str(st.session_state[key].get("find") or "").strip()
        if found:
            st.query_params[parameter] = found
        else:
            st.query_params.pop(parameter, None)

    text = st.query_params.get(parameter, "")
    named = {"label": label, "placeholder": f"{label} (/)", "parameter": parameter}
    _component(data=named | {"text": text, "selector": selector}, key=key, on_find_change=find)
    return text
