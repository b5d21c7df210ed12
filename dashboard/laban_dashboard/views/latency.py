"""The Latency page: percentiles and calls over time, by edge or by route."""

from collections.abc import Sequence
from typing import Literal, cast

import streamlit as st

from laban_dashboard.answer_source import shared_answers
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.cells import safe_rows
from laban_dashboard.presentation.latency_charts import (
    LatencySummary,
    calls_chart,
    default_selection,
    percentiles_chart,
    summarize,
)
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.time_range_picker import time_range_picker

REFRESH_S = 5
_BY = {"By edge": "edge", "By route": "route"}


def _table(summaries: Sequence[LatencySummary]) -> None:
    st.dataframe(
        safe_rows(
            [
                {
                    "name": summary.name,
                    "calls": summary.calls,
                    "errors": formatting.percentage(summary.errors, summary.calls),
                    "p50": summary.median_p50_ms,
                    "p95": summary.max_p95_ms,
                    "p99": summary.max_p99_ms,
                    "trend": summary.trend_p95_ms,
                }
                for summary in summaries
            ]
        ),
        hide_index=True,
        key="slowest",
        column_config={
            "name": st.column_config.TextColumn("Name", width="medium"),
            "calls": st.column_config.NumberColumn("Calls", format="localized"),
            "errors": st.column_config.TextColumn("Errors"),
            "p50": st.column_config.NumberColumn("p50 (median)", format="%.1f ms"),
            "p95": st.column_config.NumberColumn("p95 (max)", format="%.1f ms"),
            "p99": st.column_config.NumberColumn("p99 (max)", format="%.1f ms"),
            "trend": st.column_config.LineChartColumn("p95 over time", y_min=0),
        },
    )


def _select_name(summaries: Sequence[LatencySummary]) -> str:
    names = [summary.name for summary in summaries]
    wanted = st.query_params.get("of")
    selected = default_selection(summaries, wanted)
    name = st.selectbox(
        "Edge or route",
        names,
        index=names.index(selected) if selected else 0,
        key=f"name-{_by()}-{wanted}",
        label_visibility="collapsed",
        width=420,
    )
    return name or names[0]


def _by() -> Literal["edge", "route"]:
    chosen = _BY.get(st.session_state.get("by", ""), "edge")
    return cast("Literal['edge', 'route']", chosen)


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return None
    history = answers.latency(_by(), window.since, window.until)
    summaries = summarize(history)
    if not summaries:
        what = "No calls between services" if _by() == "edge" else "No requests"
        return notices.empty_window(f"{what} in this time range.")
    with st.container(horizontal=True, vertical_alignment="center"):
        name = _select_name(summaries)
        logarithmic = st.toggle("Logarithmic scale", key="logarithmic")
    points = [point for point in history.points if point.name == name]
    st.altair_chart(percentiles_chart(points, logarithmic=logarithmic), key="percentiles")
    st.altair_chart(calls_chart(points, history.bucket_s), key="calls")
    st.markdown(
        "#### Slowest first",
        help="p50 is the median over time. p95 and p99 are the maximum over time.",
    )
    _table(summaries)
    return None


with page_header("Latency"):
    st.segmented_control(
        "Group by",
        list(_BY),
        default="By edge",
        required=True,
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    time_range = time_range_picker()
notices.auto_refresh(_body, REFRESH_S)
