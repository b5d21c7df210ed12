"""Notices of a page: no connection, no data, and how fresh the data is."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_app.errors import AppError, CollectorUnreachable, OtherVersion, RequestRefused, TokenRefused
from laban_collector.errors import StoreError
from laban_dashboard.answer_source import configured_source, reconnect
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.time_window import TimeRange, TimeWindow, resolve_window
from laban_dashboard.sharing import shared_now
from laban_dashboard.widgets import map_url, order_links
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_mapper.errors import MapperError
from laban_mapper.model import Status

LIVE_WITHIN_S = 30
_DRAWN: Final = "page_drawn"
_FAILED: Final = "source_failed"
_RETRY_S: Final = 5
"""After so many seconds, a page without an answer asks again."""
_VERSIONS: Final = ":material/update: The collector has another version than the dashboard"
_HEADLINES: Final[dict[type[Exception], str]] = {
    CollectorUnreachable: ":material/cloud_off: Cannot reach the collector",
    TokenRefused: ":material/key: The collector requires a token",
    OtherVersion: _VERSIONS,
    RequestRefused: ":material/error: The collector did not answer this question",
    StoreError: ":material/database_off: Cannot read the database",
}


def auto_refresh(body: Callable[[], None], every: float) -> None:
    """Draw `body` and redraw it every `every` seconds. If there is no answer, say so and retry soon.

    Until the page is drawn for the first time, a line below says that it is being read.
    """
    failed_before = st.session_state.get(_FAILED, False)

    @st.fragment(run_every=min(every, _RETRY_S) if failed_before else every)
    def refreshed() -> None:
        order_links.follow()
        map_url.follow()
        failed = True
        try:
            body()
            failed = False
        except (CollectorUnreachable, RequestRefused, StoreError) as error:
            reconnect()
            unanswered(error)
        except (AppError, MapperError) as error:
            failed = False
            st.error(formatting.escape_markdown(str(error)), icon=":material/error:")
        st.session_state[_FAILED] = failed
        if failed != failed_before and every > _RETRY_S:
            st.rerun()  # with the other interval

    place, below = st.container(key="page"), st.empty()
    page = body.__code__.co_filename
    if st.session_state.get(_DRAWN) != page:
        below.caption("Reading …")
    with place:
        refreshed()
    st.session_state[_DRAWN] = page
    below.empty()


def current_window(answers: Answers, selected: TimeRange) -> TimeWindow | None:
    """Draw the freshness line and return the page's window; draw a notice and return None without data."""
    status = answers.status()
    window = resolve_window(selected, status, shared_now())
    if window is None:
        no_data()
        return None
    freshness(status, window)
    return window


def unanswered(error: CollectorUnreachable | RequestRefused | StoreError) -> None:
    """Draw the notice for a source that does not answer, or not this question: why, and what to do."""
    headline = next(told for kind, told in _HEADLINES.items() if isinstance(error, kind))
    with st.container(border=True, key="unanswered"):
        st.header(headline, anchor=False)
        source, text = str(configured_source()), str(error)
        named = text if source in text else f"Source: {source}. {text}"
        st.markdown(formatting.with_commands(named))
        if isinstance(error, CollectorUnreachable):
            st.markdown("`laban demo` starts a sample shop with a collector and a dashboard of its own.")
        elif isinstance(error, TokenRefused):
            st.markdown("Start the dashboard with the token of the collector:")
            st.code("LABAN_TOKEN=… laban dashboard", language=None)
        elif isinstance(error, RequestRefused):
            st.markdown("The other pages may work.")
        st.caption("This page retries automatically.")


def too_old(what: str) -> None:
    """Draw the notice for a collector whose answer lacks something that the page needs."""
    with st.container(border=True, key="too_old"):
        st.header(_VERSIONS, anchor=False)
        source = formatting.escape_markdown(str(configured_source()))
        st.markdown(
            f"The collector ({source}) does not tell {what}. Update it to the version of the dashboard."
        )


def no_orders(answers: Answers, key: str, otherwise: Callable[[], None]) -> None:
    """Say how to set a business key if no recent span has it; `otherwise` says why no order is shown."""
    if answers.known_values(key, 1).values:
        otherwise()
    else:
        no_keys(key)


def no_keys(key: str) -> None:
    """Draw the notice for a store without recent values of a business key: how to set it."""
    with st.container(border=True, key="no_keys"):
        shown = formatting.escape_markdown(key)
        st.header(f":material/key: No recent span has the business key {shown}", anchor=False)
        st.markdown("Tell laban which attributes, route parameters or fields of messages are business keys:")
        st.code(
            "LABAN_KEYS='order.id=route:order_id|json:order_id' laban run -- python -m your_service",
            language=None,
        )
        st.caption("The pages other than Home, Orders and Order need no business key.")


def no_data() -> None:
    """Draw the notice for an empty store: how to send spans."""
    with st.container(border=True, key="no_data"):
        st.header(":material/hourglass_empty: No spans yet", anchor=False)
        source = formatting.escape_markdown(str(configured_source()))
        st.markdown(f"Connected to {source}. It has not received any spans.")
        st.markdown("Trace your own service without code changes:")
        st.code("laban run -- python -m your_service", language=None)
        st.caption(
            "It sends to `http://localhost:4318`. If the collector receives spans elsewhere, add "
            "`--endpoint URL`; `laban serve` prints its address after `http=`."
        )
        st.markdown("Or start a sample shop with a collector and a dashboard of its own:")
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
    st.caption(
        f"{badge} {time_range} · stored: {spans} in {about}{traces}",
        help=formatting.utc_range(window.since, window.until),
    )
