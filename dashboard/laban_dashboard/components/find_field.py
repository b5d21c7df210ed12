"""A search field for a list that Streamlit draws, with the keyboard of the other lists."""

from collections.abc import Callable

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component(
    "laban_find_field", html=asset("find_field.html"), css=asset("find_field.css"), js=asset("find_field.js")
)


def find_field(label: str, text: str, selector: str, key: str, on_find: Callable[[], None]) -> None:
    """Draw the field; a new text sets `st.session_state[key]["find"]` and calls `on_find`.

    Args:
        label: what it finds.
        text: what is in it at first.
        selector: of the places of the list to which the arrow keys go, as CSS.
        key: of the component.
        on_find: the user typed another text.
    """
    data = {"label": label, "placeholder": f"{label} (/)", "text": text, "selector": selector}
    _component(data=data, key=key, on_find_change=on_find)
