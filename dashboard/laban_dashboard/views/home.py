"""The Home page: is anything wrong now, what has changed, and which orders went badly."""

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_dashboard.answer_source import found_between, newest_orders, past_map, shared_answers
from laban_dashboard.components.link_list import Link, link_list
from laban_dashboard.components.orders_table import orders_table
from laban_dashboard.components.service_map import service_map
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.health import (
    Figure,
    bad_orders,
    figures,
    findings_figure,
    problems,
)
from laban_dashboard.presentation.map.changes import changes
from laban_dashboard.presentation.map.elements import map_elements
from laban_dashboard.presentation.map.scope import MapScope, visible_map
from laban_dashboard.presentation.order_timeline import DEFAULT_KEY
from laban_dashboard.presentation.orders_rows import orders_table_data
from laban_dashboard.presentation.time_window import TimeRange, TimeWindow
from laban_dashboard.widgets import map_memory, map_url, notices
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_dashboard.widgets.map_controls import WITH_QUEUES, Controls
from laban_dashboard.widgets.order_links import open_clicked
from laban_dashboard.widgets.page_layout import figure_row, figure_value, page_header, side_by_side
from laban_mapper.model import GroupLag, Orders, ServiceMap

REFRESH_S = 5
_MAP = "home_map"
_TABLE = "home_orders"
_CHANGED = "home_changes"
_CHANGES: Final = 8
_EXAMINED: Final = 50
_LISTED: Final = 8
_HOUR: Final = timedelta(hours=1)
# From this age of the newest span on, the page does not say how things are now.
_OLD: Final = timedelta(minutes=2)
_COLOURS: Final = {"good": "green", "bad": "red", "neutral": "gray"}


def _banner(wrong: list[str], newest: datetime, now: datetime) -> None:
    """Tell what is wrong; about spans that are not new, when that was."""
    old = f"The last span came {formatting.age(newest, now)}." if now - newest > _OLD else ""
    if wrong:
        lines = [formatting.escape_markdown(one) for one in wrong]  # a name may come first, as it was sent
        st.error("  \n".join([*([f"**{old}** Until then:"] if old else []), *lines]), icon=":material/error:")
    elif old:
        st.info(f"**{old}** Until then, nothing failed or was stuck.", icon=":material/history:")
    else:
        st.success("**Nothing fails or is stuck now.**", icon=":material/check_circle:")


def _figures(shown: list[Figure]) -> None:
    for figure in shown:
        with st.container(border=True, key=f"figure-{figure.label}", gap="xsmall", width="stretch"):
            st.caption(figure.label)
            value = f":{_COLOURS[figure.tone]}[{formatting.escape_markdown(figure.value)}]"
            figure_value(value, figure.label)
            st.caption(formatting.escape_markdown(figure.note))


def _map(found: ServiceMap, window: TimeWindow, groups: list[GroupLag]) -> None:
    scope = MapScope(queues=len(found.nodes) <= WITH_QUEUES)
    places = map_memory.placement(Controls(scope, compare=False, replay=False).view)
    shown = map_elements(
        visible_map(found, scope),
        window.seconds,
        groups,
        None,
        placement=places,
        listed=found.nodes,
        page="map",
    )
    service_map(
        shown,
        _MAP,
        on_select=map_url.open_later(_MAP, "select"),
        on_focus=map_url.open_later(_MAP, "focus"),
    )
    st.page_link("views/map.py", label="Explore the map", icon=":material/graph_2:")


def _changed(found: ServiceMap, window: TimeWindow) -> None:
    """Tell what is different from the hour before."""
    with st.container(border=True, width=330, gap="xsmall", key="changes"):
        st.markdown("## Compared with the hour before")
        # Maps have whole minutes; the two must not share one.
        begin = window.since.replace(second=0, microsecond=0)
        before = past_map(begin - _HOUR, begin)
        if not any(edge.calls for edge in before.edges):
            st.caption("No data of the hour before.")
            return
        found_changes = changes(before, found)
        if not found_changes:
            st.caption("Nothing new, nothing gone, nothing much slower.")
            return
        links = [
            Link(one.element, one.sentence, f"map?{urlencode({'compare': 'true', 'select': one.element})}")
            for one in found_changes[:_CHANGES]
        ]
        link_list("Changes", links, _CHANGED, map_url.open_later(_CHANGED, "open"))
        if len(found_changes) > _CHANGES:
            st.caption(f"and {len(found_changes) - _CHANGES:,} more")


def _orders(answers: Answers, orders: Orders, now: datetime, until: datetime) -> None:
    bad = bad_orders(orders.orders, now)
    st.markdown("## Orders that went badly" if bad else "## Newest orders")
    shown = (bad or orders.orders)[:_LISTED]
    if not shown:
        none = "No span has the business key order in this time range."
        notices.no_orders(answers, DEFAULT_KEY, lambda: notices.empty_window(none, "Orders has older ones."))
        return
    data = orders_table_data(shown, now, browser_timezone(), until)
    orders_table(data, _TABLE, lambda: open_clicked(_TABLE))
    st.page_link("views/orders.py", label="All orders", icon=":material/list_alt:")


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, TimeRange("15 min"))
    if window is None:
        return
    now = datetime.now(UTC)
    found = map_memory.settled(answers.service_map(*window.asked))
    groups = answers.lag().groups
    # The stories of the orders take longest, so everything else is drawn before them.
    banner, row = st.container(key="banner"), figure_row()
    with side_by_side():
        with st.container():
            _map(found, window, groups)
        _changed(found, window)
    below = st.container(key="orders")
    # To a whole minute, so that browsers that ask within seconds share an answer.
    since = window.since.replace(second=0, microsecond=0)
    orders = newest_orders(_EXAMINED, since)
    found_now = found_between(since, window.until.replace(second=0, microsecond=0) + timedelta(minutes=1))
    with banner:
        _banner(problems(found, groups, orders), answers.status().last or window.until, now)
    with row:
        shown = figures(orders, groups, now if window.until >= now else window.until)
        _figures([*shown, findings_figure(found_now)])
    with below:
        _orders(answers, orders, now, now if window.live else window.until)


with page_header("Home"):
    pass
notices.auto_refresh(_body, REFRESH_S)
