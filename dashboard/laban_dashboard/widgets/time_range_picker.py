"""The control that selects the time range of a page."""

from datetime import datetime, timedelta

import streamlit as st

from laban_dashboard.presentation.time_window import ALL, CHOICES, CUSTOM, DEFAULT, TimeRange
from laban_dashboard.widgets.browser_timezone import browser_timezone


def time_range_picker() -> TimeRange:
    """Draw the control and return the selected range. The URL keeps it when the user changes the page."""
    name = st.segmented_control(
        "Time range",
        CHOICES,
        default=DEFAULT,
        required=True,
        key="window",
        bind="query-params",
        label_visibility="collapsed",
    )
    if name != CUSTOM:
        return TimeRange(name or DEFAULT)
    return _custom_range()


def _custom_range() -> TimeRange:
    timezone = browser_timezone()
    now = datetime.now(timezone).replace(second=0, microsecond=0, tzinfo=None)
    with st.container(horizontal=True, width="content"):
        since = st.datetime_input(
            "From", now - timedelta(hours=1), key="from", step=60, width=190, persist_state="session"
        )
        until = st.datetime_input(
            "To", now + timedelta(minutes=1), key="to", step=60, width=190, persist_state="session"
        )
    if since >= until:
        st.caption(":orange[Invalid time range: the end must be after the start. Showing all data.]")
        return TimeRange(ALL)
    return TimeRange(CUSTOM, since.replace(tzinfo=timezone), until.replace(tzinfo=timezone))
