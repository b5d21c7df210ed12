"""The keyboard of all pages: `/` goes to the search field."""

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component("laban_shortcuts", js=asset("shortcuts.js"))


def shortcuts() -> None:
    """Listen to the keyboard."""
    _component(key="shortcuts", height=1)
