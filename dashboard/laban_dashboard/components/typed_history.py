"""The browser's history: each value that is typed into a field is an entry to which one can go back."""

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component("laban_typed_history", js=asset("typed_history.js"))


def typed_history(label: str, parameter: str) -> None:
    """Keep the entries of the text field with this label, which is bound to this parameter of the URL."""
    _component(data={"label": label, "parameter": parameter}, key=f"history-{parameter}", height=1)
