"""The Map page: the live service map and the details of the selected node or edge."""

import streamlit as st

from laban_dashboard.answer_source import shared_answers
from laban_dashboard.components.service_map import service_map
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.cells import safe_rows
from laban_dashboard.presentation.map_elements import (
    MAX_NODES,
    VisibleMap,
    edge_id,
    edge_label,
    map_elements,
    node_label,
    visible_map,
)
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.map_details import details_panel
from laban_dashboard.widgets.page_layout import page_header, side_by_side
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.model import ServiceMap

REFRESH_S = 2
_MAP = "service_map"
_SELECTED = "selected"
_FIND = "find"


def _select_clicked() -> None:
    """Select the node or edge that the user clicked on the canvas."""
    st.session_state[_SELECTED] = st.session_state[_MAP].get("selected")
    st.session_state[_FIND] = None


def _select_listed() -> None:
    """Select the node or edge from the list, for keyboard users and large maps."""
    st.session_state[_SELECTED] = st.session_state[_FIND]


def _table(visible: VisibleMap, seconds: float) -> None:
    """Draw the edges as a table, as an accessible alternative to the canvas."""
    names = {node.id: node.name for node in visible.nodes}
    st.dataframe(
        safe_rows(
            [
                {
                    "from": names.get(edge.source, edge.source),
                    "to": names.get(edge.target, edge.target),
                    "kind": edge.kind,
                    "protocol": edge.protocol,
                    "calls": edge.calls,
                    "rate": formatting.rate(edge.calls, seconds),
                    "errors": edge.errors,
                    "p50 ms": edge.p50_ms,
                    "p95 ms": edge.p95_ms,
                    "p99 ms": edge.p99_ms,
                }
                for edge in visible.edges
            ]
        ),
        hide_index=True,
        key="edges",
        column_config={
            "from": "Source",
            "to": "Target",
            "kind": "Kind",
            "protocol": "Protocol",
            "calls": st.column_config.NumberColumn("Calls", format="localized"),
            "rate": "Rate",
            "errors": st.column_config.NumberColumn("Errors", format="localized"),
            "p50 ms": st.column_config.NumberColumn("p50", format="%.1f ms"),
            "p95 ms": st.column_config.NumberColumn("p95", format="%.1f ms"),
            "p99 ms": st.column_config.NumberColumn("p99", format="%.1f ms"),
        },
    )


def _selectable(found: ServiceMap) -> dict[str, str]:
    """Return the labels of all nodes and edges by ID."""
    nodes = {node.id: node_label(node) for node in found.nodes}
    edges = {edge_id(edge): edge_label(edge, found.nodes) for edge in found.edges}
    return nodes | edges


def _controls(found: ServiceMap) -> VisibleMap:
    """Draw the controls of the map and apply them: name filter, selection, topics and groups."""
    large = len(found.nodes) > MAX_NODES
    with st.container(horizontal=True, vertical_alignment="center", key="controls"):
        text = st.text_input(
            "Filter by name",
            placeholder="Filter by name",
            icon=":material/filter_alt:",
            key="filter",
            label_visibility="collapsed",
            width=220,
        )
        names = _selectable(found)
        st.selectbox(
            "Select",
            list(names),
            index=None,
            format_func=lambda element_id: str(names.get(element_id, element_id)),
            placeholder="Select a node or edge",
            key=_FIND,
            on_change=_select_listed,
            label_visibility="collapsed",
            width=260,
        )
        queues = st.toggle("Topics and groups", value=not large, key="queues")
    return visible_map(found, text or "", queues=queues)


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return None
    found = answers.service_map(window.since, window.until)
    if not found.nodes:
        return notices.empty_window("No calls in this time range.")
    lag = answers.lag().groups
    visible = _controls(found)
    selected = st.session_state.get(_SELECTED)
    with side_by_side():
        with st.container():
            service_map(map_elements(visible, window.seconds, lag, selected), _MAP, _select_clicked)
            if visible.hidden_nodes or visible.hidden_edges:
                st.caption(
                    f"Showing the {len(visible.nodes)} busiest nodes and {len(visible.edges)} edges; "
                    f"{visible.hidden_nodes} nodes and {visible.hidden_edges} edges are hidden. "
                    "Filter by name to find them."
                )
        details_panel(visible, selected, window.seconds, lag)
    with st.expander("Show as a table"):
        _table(visible, window.seconds)
    return None


with page_header("Map"):
    time_range = time_range_picker()
notices.auto_refresh(_body, REFRESH_S)
