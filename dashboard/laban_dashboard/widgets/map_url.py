"""What the URL says about the map: the focus, the selection, and what is drawn."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import streamlit as st

FOCUS: Final = "focus"
SELECT: Final = "select"
OPEN: Final = "open"
_ASKED: Final = "map_to_open"


def parameter(name: str) -> str | None:
    """Return a parameter of the URL; None if it is absent or empty."""
    return st.query_params.get(name) or None


def set_parameter(name: str, value: str | None) -> None:
    """Change a parameter of the URL: a step back in the browser undoes it."""
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def opened() -> frozenset[str]:
    """Return the namespaces that are open."""
    return frozenset((parameter(OPEN) or "").split(",")) - {""}


def with_opened(namespace: str) -> str:
    """Return the value of OPEN with one more namespace."""
    return ",".join(filter(None, [parameter(OPEN), namespace]))


def address(**changed: str | None) -> str:
    """Return the relative URL of this map with other parameters; None removes one."""
    query = st.query_params.to_dict() | changed
    return f"map?{urlencode({name: value for name, value in query.items() if value})}"


def on_select(component: str) -> Callable[[], None]:
    """Return a callback that selects what the user clicked on the map."""

    def select() -> None:
        element = st.session_state[component].get("select")
        if isinstance(element, str):  # empty: the user clicked beside everything
            set_parameter(SELECT, element)

    return select


def on_focus(component: str) -> Callable[[], None]:
    """Return a callback that draws only the node that the user found, and its neighbours."""

    def focus() -> None:
        node = st.session_state[component].get("focus")
        if isinstance(node, str):
            st.query_params.update({FOCUS: node, SELECT: node})  # one step back undoes both

    return focus


def open_later(component: str, event: str) -> Callable[[], None]:
    """Return a callback for another page that remembers a node; `follow` opens the map there."""

    def remember() -> None:
        node = st.session_state[component].get(event)
        if isinstance(node, str) and node:
            st.session_state[_ASKED] = {SELECT: node} | ({FOCUS: node} if event == "focus" else {})

    return remember


def follow() -> None:
    """Open the Map page if another page was asked to."""
    query = st.session_state.pop(_ASKED, None)
    if query is not None:
        st.switch_page("views/map.py", query_params=query)
