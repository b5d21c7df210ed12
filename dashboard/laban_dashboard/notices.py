"""What a page says when it has nothing to show: why, and what to do."""

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from laban_app.errors import AppError, CollectorUnreachable, RequestRefused
from laban_collector.errors import StoreError
from laban_dashboard import words
from laban_dashboard.place import forget, place
from laban_dashboard.windows import Window
from laban_mapper.errors import MapperError
from laban_mapper.model import Status

LIVE_WITHIN_S = 30


def live(body: Callable[[], None], every: float) -> None:
    """Draw `body` and draw it anew every so many seconds; while nobody answers, say so and keep trying."""

    @st.fragment(run_every=every)
    def refreshed() -> None:
        try:
            body()
        except (CollectorUnreachable, RequestRefused, StoreError) as error:
            forget()
            unreachable(error)
        except (AppError, MapperError) as error:
            st.error(words.plain(str(error)), icon=":material/error:")

    refreshed()


def unreachable(error: Exception) -> None:
    """Nobody answers: where was asked, what it said, what to do."""
    with st.container(border=True, key="unreachable"):
        st.subheader(":material/cloud_off: No answer from the collector", anchor=False)
        st.markdown(f"Asked {words.plain(str(place()))}. {words.plain(str(error))}")
        st.markdown("Is it running? Start it with `laban serve`, or everything at once with `laban demo`.")
        st.caption("This page tries again by itself.")


def no_data() -> None:
    """The store is empty: how spans get there."""
    with st.container(border=True, key="no_data"):
        st.subheader(":material/hourglass_empty: No spans yet", anchor=False)
        st.markdown(f"Asked {words.plain(str(place()))}: it answers, but nothing has been traced so far.")
        st.markdown("Trace a service of yours, with no change to its code:")
        st.code("laban run -- python -m your_service", language=None)
        st.markdown("Or watch the sample shop, orders flowing through REST, gRPC and Kafka:")
        st.code("laban demo", language=None)
        st.caption("This page fills by itself as soon as spans arrive.")


def nothing_here(what: str, hint: str) -> None:
    """There is data, but none of this kind in the window."""
    with st.container(border=True, key="nothing_here"):
        st.markdown(f"**{what}**")
        st.caption(hint)


def freshness(status: Status, window: Window) -> None:
    """One line: whether spans are arriving, and what window is shown."""
    now = datetime.now(UTC)
    newest = status.last or window.until
    shown = words.span_of_time(window.since, window.until, words.zone())
    if abs((now - newest).total_seconds()) <= LIVE_WITHIN_S:
        badge = ":green-badge[:material/circle: live]"
    else:
        badge = f":gray-badge[newest span {words.ago(newest, now)}]"
    st.caption(
        f"{badge} {shown} · {words.count(status.spans, 'span')} in {words.count(status.traces, 'trace')}"
    )
