"""The Map page: who calls whom, how healthy it is, and what it was an hour before or in any minute."""

from datetime import timedelta
from typing import Final

import streamlit as st

from laban_dashboard.answer_source import past_map, shared_answers
from laban_dashboard.components.service_map import service_map
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.map.changes import Change, changes, with_gone
from laban_dashboard.presentation.map.elements import LARGE, map_elements
from laban_dashboard.presentation.map.labels import NAMESPACE
from laban_dashboard.presentation.map.scope import VisibleMap, visible_map
from laban_dashboard.presentation.time_window import TimeWindow
from laban_dashboard.widgets import map_memory, map_url, notices
from laban_dashboard.widgets.map_controls import Controls, map_controls
from laban_dashboard.widgets.map_details import details_panel
from laban_dashboard.widgets.map_replay import replayed
from laban_dashboard.widgets.map_table import edges_table
from laban_dashboard.widgets.page_layout import page_header, side_by_side
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.model import GroupLag, ServiceMap

REFRESH_S: Final = 2
_REFRESH_LARGE_S: Final = 10
"""A large map takes the browser longer to draw."""
_IS_LARGE: Final = "map_is_large"
_MAP: Final = "service_map"
_HOUR: Final = timedelta(hours=1)


def _compared(found: ServiceMap, window: TimeWindow) -> tuple[ServiceMap, list[Change]]:
    """Return the map with what is gone since the hour before, and all that changed."""
    begin = window.since.replace(second=0, microsecond=0)  # maps have whole minutes; the two share none
    before = past_map(begin - _HOUR, begin)
    if not any(edge.calls for edge in before.edges):
        st.caption("There is no data of the hour before, so nothing can be compared.")
        return found, []
    changed = changes(before, found)
    if not changed:
        st.caption("Compared with the hour before: nothing new, nothing gone, nothing much slower.")
    return with_gone(found, before, changed), changed


def _left_out(visible: VisibleMap) -> None:
    """Say what is not drawn."""
    parts = []
    if visible.hidden_nodes or visible.hidden_edges:
        parts.append(
            f"the {len(visible.nodes):,} busiest nodes and {len(visible.edges):,} edges are drawn, "
            f"{visible.hidden_nodes:,} nodes and {visible.hidden_edges:,} edges are not"
        )
    if visible.quiet_edges:
        parts.append(f"{formatting.count(visible.quiet_edges, 'quiet edge')} left out")
    if visible.folded:
        namespaces = sum(node.id.startswith(NAMESPACE) for node in visible.nodes)
        parts.insert(
            0,
            f"{formatting.count(visible.folded, 'service')} are folded into "
            f"{formatting.count(namespaces, 'namespace')}. Select one and choose Open this namespace, "
            "search for a service, or turn off By namespace to see all",
        )
    elif len(visible.nodes) + len(visible.edges) > LARGE:
        parts.insert(
            0,
            "names and figures appear as you zoom in. Click a node to see its neighbours, "
            "or press / to search",
        )
    if parts:
        text = "; ".join(parts)
        st.caption(f"{text[:1].upper()}{text[1:]}.")


def _draw(
    found: ServiceMap, controls: Controls, seconds: float, lag: list[GroupLag], changed: list[Change]
) -> None:
    visible = visible_map(found, controls.scope)
    selected = map_url.parameter(map_url.SELECT)
    with side_by_side():
        with st.container():
            elements = map_elements(
                visible,
                seconds,
                lag,
                selected,
                placement=map_memory.placement(controls.view),
                changed=changed,
                listed=found.nodes,
                view=controls.view,
            )
            service_map(
                elements,
                _MAP,
                on_select=map_url.on_select(_MAP),
                on_focus=map_url.on_focus(_MAP),
                on_anew=lambda: map_memory.forget(controls.view),
            )
            _left_out(visible)
        details_panel(visible, selected, seconds, lag, changed)
    with st.expander("Show as a table"):
        edges_table(visible, seconds)


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return
    found = answers.service_map(*window.asked)
    if not found.nodes:
        notices.empty_window("No calls in this time range.")
        return
    st.session_state[_IS_LARGE] = len(found.nodes) + len(found.edges) > LARGE
    controls = map_controls(found)
    above = st.container(key="above-map")  # always there, so that the map stays the same element
    if controls.replay:
        with above:
            picture, lag = replayed(answers, window)
        _draw(picture, controls, (picture.until - picture.since).total_seconds(), lag, [])
        return
    found = map_memory.settled(found)
    changed: list[Change] = []
    if controls.compare:
        with above:
            found, changed = _compared(found, window)
    _draw(found, controls, window.seconds, answers.lag().groups, changed)


with page_header("Map"):
    time_range = time_range_picker()
notices.auto_refresh(_body, _REFRESH_LARGE_S if st.session_state.get(_IS_LARGE) else REFRESH_S)
