"""A login that outlives a reload of the page: the browser keeps a grant, never the token."""

from collections.abc import Callable

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component("laban_kept_login", js=asset("kept_login.js"))


def keep_login(grant: str) -> None:
    """Let the browser keep the grant."""
    _component(data={"grant": grant, "refused": False}, key="keep_login", height=1)


def ask_for_login(key: str, *, refused: bool, on_known: Callable[[], None]) -> None:
    """Ask the browser for a grant that it kept. During `on_known`, it is `st.session_state[key]["known"]`.

    Args:
        key: of the component.
        refused: the browser shall forget what it kept.
        on_known: it kept one.
    """
    _component(data={"grant": None, "refused": refused}, key=key, height=1, on_known_change=on_known)
