"""The service map: nodes and edges on a canvas; zoom, pan and selection survive a refresh."""

from collections.abc import Callable, Mapping

from streamlit.components import v2

from laban_dashboard.components.assets import asset

SCRIPTS = ("map_text.js", "map_looks.js", "map_labels.js", "map_keys.js", "service_map.js")
_component = v2.component(
    "laban_service_map",
    html=asset("service_map.html"),
    css=asset("service_map.css"),
    js="".join(map(asset, SCRIPTS)),
)


def _nothing() -> None: ...


def service_map(
    map_elements: Mapping[str, object],
    key: str,
    *,
    on_select: Callable[[], None],
    on_focus: Callable[[], None],
    on_anew: Callable[[], None] = _nothing,
) -> None:
    """Draw `map_elements`. What the user does is in `st.session_state[key]` during these calls.

    Args:
        map_elements: the data.
        key: of the component.
        on_select: the user clicked: `select` is the ID of a node or edge, or empty.
        on_focus: the user found a node by its name, or clicked it twice: `focus` is its ID.
        on_anew: the user wants the nodes to be arranged anew.
    """
    _component(
        data=dict(map_elements),
        key=key,
        on_select_change=on_select,
        on_focus_change=on_focus,
        on_anew_change=on_anew,
    )
