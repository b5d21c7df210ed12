"""One step back in the browser for each action of the user."""

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component("laban_history_steps", js=asset("history_steps.js"))


def history_steps() -> None:
    """Let the browser go back over a change of the page in one step."""
    _component(key="history_steps")
