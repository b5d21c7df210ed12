"""How long calls take, by edge or by route, over time."""

from collections.abc import Sequence
from typing import Literal, cast

import streamlit as st

from laban_dashboard import notices, windows, words
from laban_dashboard.frame import header
from laban_dashboard.latency_view import Summary, calls_chart, matching, percentiles_chart, summaries
from laban_dashboard.place import answers

REFRESH_S = 5
_BY = {"By edge": "edge", "By route": "route"}


def _table(found: Sequence[Summary]) -> None:
    st.dataframe(
        [
            {
                "name": one.name,
                "calls": one.calls,
                "errors": words.share(one.errors, one.calls),
                "p50": one.typical_p50_ms,
                "p95": one.worst_p95_ms,
                "p99": one.worst_p99_ms,
                "trend": one.trend_p95_ms,
            }
            for one in found
        ],
        hide_index=True,
        key="slowest",
        column_config={
            "name": st.column_config.TextColumn("Name", width="medium"),
            "calls": st.column_config.NumberColumn("Calls", format="localized"),
            "errors": st.column_config.TextColumn("Errors"),
            "p50": st.column_config.NumberColumn("p50, typical", format="%.1f ms"),
            "p95": st.column_config.NumberColumn("p95, worst", format="%.1f ms"),
            "p99": st.column_config.NumberColumn("p99, worst", format="%.1f ms"),
            "trend": st.column_config.LineChartColumn("p95 over time", y_min=0),
        },
    )


def _pick(found: Sequence[Summary]) -> str:
    names = [one.name for one in found]
    wanted = st.query_params.get("of")
    start = matching(found, wanted)
    name = st.selectbox(
        "Show",
        names,
        index=names.index(start) if start else 0,
        key=f"name-{_by()}-{wanted}",
        label_visibility="collapsed",
        width=420,
    )
    return name or names[0]


def _by() -> Literal["edge", "route"]:
    chosen = _BY.get(st.session_state.get("by", ""), "edge")
    return cast("Literal['edge', 'route']", chosen)


def _body() -> None:
    answering = answers()
    status = answering.status()
    window = windows.window_of(choice, status)
    if window is None:
        return notices.no_data()
    notices.freshness(status, window)
    history = answering.latency(_by(), window.since, window.until)
    found = summaries(history)
    if not found:
        what = "No service called another" if _by() == "edge" else "No service answered anything"
        return notices.nothing_here(f"{what} in this window.", "Choose a longer one, or All.")
    with st.container(horizontal=True, vertical_alignment="center"):
        name = _pick(found)
        logarithmic = st.toggle("Logarithmic", key="logarithmic")
    points = [point for point in history.points if point.name == name]
    st.altair_chart(percentiles_chart(points, logarithmic=logarithmic), key="percentiles")
    st.altair_chart(calls_chart(points, history.bucket_s), key="calls")
    st.markdown(
        "#### Slowest first", help="p50 is the median of all moments, p95 and p99 those of the worst moment."
    )
    _table(found)
    return None


with header("Latency"):
    st.segmented_control(
        "By",
        list(_BY),
        default="By edge",
        required=True,
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    choice = windows.choose()
notices.live(_body, REFRESH_S)
