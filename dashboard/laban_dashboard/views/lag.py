"""The Lag page: the lag of each consumer group and partition, now and over time."""

from collections.abc import Sequence
from typing import cast

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_dashboard.answer_source import shared_answers
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.lag_charts import (
    Measure,
    by_severity,
    lag_caption,
    lag_chart,
    partition_rows,
)
from laban_dashboard.presentation.status_labels import STATUS_MEANINGS, status_badge
from laban_dashboard.presentation.time_window import CUSTOM, TimeWindow
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.model import GroupLag

REFRESH_S = 5
_MEASURES = {"Messages": "messages", "Seconds": "seconds"}
_CARDS = 12
_ALL = "All groups"


def _card(group: GroupLag) -> None:
    with st.container(border=True, width=230, key=f"card-{group.group}"):
        st.markdown(
            f"**{formatting.escape_markdown(group.group)}** {status_badge(group.status)}",
            help=f"**{group.status}**: {STATUS_MEANINGS[group.status]}",
        )
        st.markdown(f"### {group.messages:,}")
        st.caption(lag_caption(group))


def _cards(groups: Sequence[GroupLag]) -> None:
    with st.container(horizontal=True):
        for group in groups[:_CARDS]:
            _card(group)
    if len(groups) > _CARDS:
        st.caption(f"The table shows {len(groups) - _CARDS} more groups.")


def _chart(answers: Answers, groups: Sequence[GroupLag], window: TimeWindow) -> None:
    names = [_ALL, *(group.group for group in groups)]
    wanted = st.query_params.get("group", _ALL)
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.selectbox(
            "Consumer group",
            names,
            index=names.index(wanted) if wanted in names else 0,
            key=f"chosen-{wanted}",
            label_visibility="collapsed",
            width=260,
        )
        measure = st.segmented_control(
            "Measure",
            list(_MEASURES),
            default="Messages",
            required=True,
            key="measure",
            label_visibility="collapsed",
        )
    until = None if live else window.until
    points = [
        point
        for point in answers.lag_history(window.since, until).points
        if chosen in (_ALL, None, point.group)
    ]
    if not points:
        return notices.empty_window("No lag readings in this time range.")
    kind = cast("Measure", _MEASURES[measure or "Messages"])
    st.altair_chart(lag_chart(points, kind, by_partition=chosen not in (_ALL, None)), key="lag")
    return None


def _partitions(groups: Sequence[GroupLag]) -> None:
    st.markdown("#### Partitions")
    st.dataframe(
        partition_rows(groups),
        hide_index=True,
        key="partitions",
        column_config={
            "group": "Consumer group",
            "topic": "Topic",
            "partition": "Partition",
            "status": "Status",
            "messages": st.column_config.NumberColumn("Lag (messages)", format="localized"),
            "seconds": st.column_config.NumberColumn("Lag (s)", format="%.1f"),
            "committed": st.column_config.NumberColumn("Committed offset", format="localized"),
            "end": st.column_config.NumberColumn("Log end offset", format="localized"),
            "read at": st.column_config.DatetimeColumn("Read at", format="HH:mm:ss"),
        },
    )


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return None
    groups = by_severity(answers.lag().groups)
    if not groups:
        return _no_groups()
    _cards(groups)
    _chart(answers, groups, window)
    _partitions(groups)
    with st.expander("Lag statuses"):
        for status, meaning in STATUS_MEANINGS.items():
            st.markdown(f"{status_badge(status)} {meaning}")
    return None


def _no_groups() -> None:
    notices.empty_window(
        "No consumer groups yet.",
        "The collector reads group offsets if you name a broker: laban serve --kafka HOST:PORT.",
    )


with page_header("Lag"):
    time_range = time_range_picker()
live = time_range.name != CUSTOM
notices.auto_refresh(_body, REFRESH_S)
