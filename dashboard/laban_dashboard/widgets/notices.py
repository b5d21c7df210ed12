"""Notices of a page: no connection, no data, and how fresh the data is."""

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_app.errors import AppError, CollectorUnreachable, RequestRefused
from laban_collector.errors import StoreError
from laban_dashboard.answer_source import configured_source, reconnect
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.time_window import TimeRange, TimeWindow, resolve_window
from laban_dashboard.widgets import map_url, order_links
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_mapper.errors import MapperError
from laban_mapper.model import Status

LIVE_WITHIN_S = 30


def auto_refresh(body: Callable[[], None], every: float) -> None:
    """Draw `body` and redraw it every `every` seconds. If there is no connection, say so and retry."""

    @st.fragment(run_every=every)
    def refreshed() -> None:
        order_links.follow()
        map_url.follow()
        try:
            body()
        except (CollectorUnreachable, RequestRefused, StoreError) as error:
            reconnect()
            unreachable(error)
        except (AppError, MapperError) as error:
            st.error(formatting.escape_markdown(str(error)), icon=":material/error:")

    refreshed()


def current_window(answers: Answers, selected: TimeRange) -> TimeWindow | None:
    """Draw the freshness line and return the page's window; draw a notice and return None without data."""
    status = answers.status()
    window = resolve_window(selected, status, datetime.now(UTC))
    if window is None:
        no_data()
        return None
    freshness(status, window)
    return window


def unreachable(error: Exception) -> None:
    """Draw the notice for a source that does not answer: its address, the error and the fix."""
    with st.container(border=True, key="unreachable"):
        st.subheader(":material/cloud_off: Cannot reach the collector", anchor=False)
        source = formatting.escape_markdown(str(configured_source()))
        st.markdown(f"Source: {source}. {formatting.escape_markdown(str(error))}")
        st.markdown("Start the collector with `laban serve`, or the complete demo with `laban demo`.")
        st.caption("This page retries automatically.")


def no_data() -> None:
    """Draw the notice for an empty store: how to send spans."""
    with st.container(border=True, key="no_data"):
        st.subheader(":material/hourglass_empty: No spans yet", anchor=False)
        source = formatting.escape_markdown(str(configured_source()))
        st.markdown(f"Connected to {source}. It has not received any spans.")
        st.markdown("Trace your own service without code changes:")
        st.code("laban run -- python -m your_service", language=None)
        st.markdown("Or start the sample shop, which uses REST, gRPC and Kafka:")
        st.code("laban demo", language=None)
        st.caption("This page updates automatically when spans arrive.")


def empty_window(message: str, hint: str = "Select a longer time range, or All.") -> None:
    """Draw the notice for a store with data, but none of this kind in the window."""
    with st.container(border=True, key="empty_window"):
        st.markdown(f"**{message}**")
        st.caption(hint)


def freshness(status: Status, window: TimeWindow) -> None:
    """Draw one line: whether spans are arriving, the window, and the size of the store."""
    now = datetime.now(UTC)
    newest = status.last or window.until
    time_range = formatting.time_range(window.since, window.until, browser_timezone())
    if abs((now - newest).total_seconds()) <= LIVE_WITHIN_S:
        badge = ":green-badge[:material/circle: live]"
    else:
        badge = f":gray-badge[last span {formatting.age(newest, now)}]"
    spans = formatting.count(status.spans, "span")
    traces = formatting.count(status.traces, "trace")
    about = "about " if status.traces_estimated else ""
    st.caption(f"{badge} {time_range} · {spans} in {about}{traces}")
