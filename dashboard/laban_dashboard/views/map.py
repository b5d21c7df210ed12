"""Who talks to whom: the live map, and what is known about each part of it."""

import streamlit as st

from laban_dashboard import notices, windows, words
from laban_dashboard.components.service_map import service_map
from laban_dashboard.frame import beside, header
from laban_dashboard.map_panel import KIND_WORDS, panel
from laban_dashboard.map_view import BUSY_MAP, Shown, edge_id, elements, narrowed
from laban_dashboard.place import answers
from laban_mapper.model import ServiceMap

REFRESH_S = 2
_MAP = "service_map"
_SELECTED = "selected"
_FIND = "find"


def _clicked() -> None:
    """The component's callback: a click on the canvas."""
    st.session_state[_SELECTED] = st.session_state[_MAP].get("selected")
    st.session_state[_FIND] = None


def _picked() -> None:
    """The callback of the list of names, which serves the keyboard and large maps."""
    st.session_state[_SELECTED] = st.session_state[_FIND]


def _table(shown: Shown, seconds: float) -> None:
    """The same as rows, for whoever cannot or will not read the drawing."""
    names = {node.id: node.name for node in shown.nodes}
    st.dataframe(
        [
            {
                "from": names.get(edge.source, edge.source),
                "to": names.get(edge.target, edge.target),
                "kind": edge.kind,
                "protocol": edge.protocol,
                "calls": edge.calls,
                "rate": words.rate(edge.calls, seconds),
                "errors": edge.errors,
                "p50 ms": edge.p50_ms,
                "p95 ms": edge.p95_ms,
                "p99 ms": edge.p99_ms,
            }
            for edge in shown.edges
        ],
        hide_index=True,
        key="edges",
    )


def _selectable(found: ServiceMap) -> dict[str, str]:
    """Everything that can be selected, by id, as it is called in the list."""
    names = {node.id: node.name for node in found.nodes}
    nodes = {node.id: f"{node.name} ({KIND_WORDS[node.kind]})" for node in found.nodes}
    edges = {edge_id(edge): f"{names[edge.source]} → {names[edge.target]}" for edge in found.edges}
    return nodes | edges


def _controls(found: ServiceMap) -> Shown:
    """What narrows the map: a filter, and whether topics and groups are drawn."""
    large = len(found.nodes) > BUSY_MAP
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
            format_func=lambda one: str(names.get(one, one)),
            placeholder="Select a node or an arrow",
            key=_FIND,
            on_change=_picked,
            label_visibility="collapsed",
            width=260,
        )
        queues = st.toggle("Topics and groups", value=not large, key="queues")
    return narrowed(found, text or "", queues=queues)


def _body() -> None:
    answering = answers()
    status = answering.status()
    window = windows.window_of(choice, status)
    if window is None:
        return notices.no_data()
    notices.freshness(status, window)
    found = answering.service_map(window.since, window.until)
    if not found.nodes:
        return notices.nothing_here("Nobody talked in this window.", "Choose a longer one, or All.")
    lag = answering.lag().groups
    shown = _controls(found)
    selected = st.session_state.get(_SELECTED)
    with beside():
        with st.container():
            service_map(elements(shown, window.seconds, lag, selected), _MAP, _clicked)
            if shown.hidden:
                hint = "Filter by name to see them."
                st.caption(f"The {len(shown.nodes)} busiest; {shown.hidden} more are hidden. {hint}")
        panel(shown, selected, window.seconds, lag)
    with st.expander("As a table"):
        _table(shown, window.seconds)
    return None


with header("Map"):
    choice = windows.choose()
notices.live(_body, REFRESH_S)
