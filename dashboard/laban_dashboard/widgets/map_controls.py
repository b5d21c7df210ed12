"""The controls above the map. The URL keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from laban_dashboard.presentation.map.labels import node_label
from laban_dashboard.presentation.map.namespaces import folded_into, folds, namespaces_of
from laban_dashboard.presentation.map.scope import MapScope
from laban_dashboard.widgets import map_url
from laban_mapper.model import Node, ServiceMap

WITH_QUEUES: Final = 80
"""The most nodes of a map whose topics and groups are drawn without being asked for."""
_DEPTHS: Final = ["1", "2", "3"]


@dataclass(frozen=True, slots=True)
class Controls:
    """What the user wants to see.

    Attributes:
        scope: which part of the map.
        compare: whether it is compared with the hour before.
        replay: whether the user moves through time.
    """

    scope: MapScope
    compare: bool
    replay: bool

    @property
    def view(self) -> str:
        """A name for what decides where nodes stand."""
        return repr((self.scope, self.replay))


def map_controls(found: ServiceMap) -> Controls:
    """Draw the controls, and return what they say."""
    focus = map_url.parameter(map_url.FOCUS)
    names = {node.id: node for node in found.nodes}
    with st.container(horizontal=True, vertical_alignment="center", key="controls"):
        queues = st.toggle(
            "Topics and groups", value=len(names) <= WITH_QUEUES, key="queues", bind="query-params"
        )
        calm = st.toggle(
            "Hide quiet",
            key="calm",
            bind="query-params",
            help="Leave out edges with less than one call a minute, unless they fail.",
        )
        collapsed = False
        if namespaces_of(found.nodes):
            collapsed = st.toggle(
                "By namespace",
                value=folds(found.nodes),
                key="namespaces",
                bind="query-params",
                help="Draw the services of a namespace as one node. Select it to open it.",
            )
        compare = st.toggle(
            "Compare",
            key="compare",
            bind="query-params",
            help="Show what is new, gone or slower than in the hour before.",
        )
        replay = st.toggle(
            "Replay", key="replay", bind="query-params", help="Move through the time range minute by minute."
        )
    # Always there, because an element that comes before the map would make the browser build the map anew.
    row = st.container(horizontal=True, vertical_alignment="center", key="focus")
    depth = "1" if focus is None else _focus(row, names.get(focus))
    if collapsed and focus is None:
        _open_selected(names)
    opened = map_url.opened()
    scope = MapScope(
        focus=focus,
        depth=int(depth),
        queues=queues,
        collapsed=collapsed,
        opened=opened if collapsed else frozenset(),
        quiet=not calm,
    )
    return Controls(scope, compare, replay)


def _open_selected(names: Mapping[str, Node]) -> None:
    """Open the namespace of a selected service, which another page may link to."""
    node = names.get(map_url.parameter(map_url.SELECT) or "")
    if node is not None and node.namespace and folded_into(node, map_url.opened()) is not None:
        map_url.set_parameter(map_url.OPEN, map_url.with_opened(node.namespace))


def _focus(row: DeltaGenerator, node: Node | None) -> str:
    """Draw what the map is drawn around; returns how many steps away a node can be."""
    label = "a node that is not on this map" if node is None else node_label(node)
    with row:
        st.text(f"Around {label}, steps:", width="content")
        depth = st.segmented_control(
            "Steps",
            _DEPTHS,
            default="1",
            required=True,
            key="depth",
            bind="query-params",
            label_visibility="collapsed",
        )
        st.button(
            "Show everything",
            icon=":material/close:",
            type="tertiary",
            on_click=_show_everything,
        )
    return depth or "1"


def _show_everything() -> None:
    map_url.set_parameter(map_url.FOCUS, None)
    if st.session_state.get("namespaces"):
        map_url.set_parameter(map_url.SELECT, None)  # else it would open its namespace
