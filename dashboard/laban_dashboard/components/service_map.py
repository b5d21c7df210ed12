"""The service map: nodes and edges on a canvas; zoom, pan and selection survive a refresh."""

from collections.abc import Callable, Mapping

from streamlit.components import v2

from laban_dashboard.components.assets import asset

_component = v2.component(
    "laban_service_map",
    html=asset("service_map.html"),
    css=asset("service_map.css"),
    js=asset("service_map.js"),
)


def service_map(map_elements: Mapping[str, object], key: str, on_select: Callable[[], None]) -> str | None:
    """Draw `map_elements` and return the ID of the selected node or edge, or None.

    A click updates `st.session_state[key]["selected"]` and calls `on_select`.
    """
    result = _component(data=dict(map_elements), key=key, on_selected_change=on_select)
    selected = result.get("selected")
    return selected if isinstance(selected, str) else None
