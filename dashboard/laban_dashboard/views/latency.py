"""The Latency page: percentiles of the whole window and over time, and calls, by edge or by route."""

from collections.abc import Sequence
from typing import Literal, cast

import streamlit as st

from laban_dashboard.answer_source import shared_answers
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.cells import safe_rows
from laban_dashboard.presentation.latency_charts import (
    LatencySummary,
    basis,
    calls_chart,
    default_selection,
    percentiles_chart,
    summarize,
    table_rows,
)
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.names import shortened
from laban_mapper.printable import printable

REFRESH_S = 5
_BY = {"By edge": "edge", "By route": "route"}


def _table(summaries: Sequence[LatencySummary]) -> None:
    st.dataframe(
        safe_rows(table_rows(summaries)),
        hide_index=True,
        key="slowest",
        column_config={
            "name": st.column_config.TextColumn("Name", width="medium"),
            "calls": st.column_config.NumberColumn("Calls", format="localized"),
            "errors": st.column_config.TextColumn("Errors"),
            "p50": st.column_config.NumberColumn("p50", format="%.1f ms"),
            "p95": st.column_config.NumberColumn("p95", format="%.1f ms"),
            "p99": st.column_config.NumberColumn("p99", format="%.1f ms"),
            "objective": st.column_config.TextColumn("Objective (p95)"),
            "trend": st.column_config.LineChartColumn("p95 over time", y_min=0),
        },
    )


def _select_name(summaries: Sequence[LatencySummary]) -> str:
    """Draw the list of names; the URL has the chosen one."""
    names = [summary.name for summary in summaries]
    wanted = st.query_params.get("of")
    selected = default_selection(summaries, wanted)
    key = f"name-{_by()}-{wanted}"

    def keep() -> None:
        st.query_params["of"] = st.session_state[key]

    name = st.selectbox(
        "Edge or route",
        names,
        index=names.index(selected) if selected else 0,
        key=key,
        format_func=lambda name: printable(shortened(name)),
        on_change=keep,
        label_visibility="collapsed",
        width=420,
    )
    return name or names[0]


def _by() -> Literal["edge", "route"]:
    chosen = _BY.get(st.session_state.get("by", ""), "edge")
    return cast("Literal['edge', 'route']", chosen)


def _figures(summary: LatencySummary) -> None:
    total = summary.total
    with st.container(horizontal=True, gap="large", key="latency-figures"):
        for label, value in (("p50", total.p50_ms), ("p95", total.p95_ms), ("p99", total.p99_ms)):
            st.metric(label, formatting.duration(value), width="content")
        st.metric("Calls", f"{total.calls:,}", width="content")
        st.metric("Errors", formatting.percentage(total.errors, total.calls), width="content")
        if total.objective_ms is not None:
            st.metric(
                "Objective (p95)",
                formatting.duration(total.objective_ms),
                "missed" if summary.misses else "met",
                delta_color="inverse" if summary.misses else "normal",
                delta_arrow="off",
                width="content",
            )


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return None
    history = answers.latency(_by(), *window.asked)
    if history.points and not history.totals:
        return notices.too_old("percentiles of a whole time range")
    summaries = summarize(history)
    if not summaries:
        what = "No calls between services" if _by() == "edge" else "No requests"
        return notices.empty_window(f"{what} in this time range.")
    with st.container(horizontal=True, vertical_alignment="center"):
        name = _select_name(summaries)
        logarithmic = st.toggle("Logarithmic scale", key="logarithmic")
    summary = next((one for one in summaries if one.name == name), summaries[0])
    _figures(summary)
    points = [point for point in history.points if point.name == summary.name]
    since = history.since or window.since
    shown = (min([since, *(point.time for point in points)]), history.until or window.until)
    chart = percentiles_chart(points, summary.total.objective_ms, shown, logarithmic=logarithmic)
    st.vega_lite_chart(spec=chart, key="percentiles", alt="Percentiles of the latency over time")
    calls = calls_chart(points, history.bucket_s, shown)
    st.vega_lite_chart(spec=calls, key="calls", alt="Calls over time, by outcome")
    st.markdown("## Slowest first")
    _table(summaries)
    st.caption(basis(history))
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
