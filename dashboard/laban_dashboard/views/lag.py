"""The Lag page: the lag of each consumer group and partition, now and over time."""

from collections.abc import Sequence
from typing import cast

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_dashboard.answer_source import shared_answers
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.cells import safe_rows
from laban_dashboard.presentation.lag_charts import (
    Measure,
    by_severity,
    group_names,
    lag_caption,
    lag_chart,
    partition_rows,
)
from laban_dashboard.presentation.status_labels import (
    STATUS_MEANINGS,
    status_badge,
    status_meaning,
)
from laban_dashboard.presentation.time_window import CUSTOM, TimeWindow
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.lag import problem_place
from laban_mapper.model import GroupLag, LagProblem

REFRESH_S = 5
_MEASURES = {"Messages": "messages", "Seconds": "seconds"}
_CARDS = 12
_PROBLEMS = 5
_ALL = "All groups"


def _card(group: GroupLag, name: str) -> None:
    with st.container(border=True, width=230, key=f"card-{name}"):
        st.markdown(
            f"**{formatting.escape_markdown(name)}** {status_badge(group.status)}",
            help=status_meaning(group.status),
        )
        st.markdown(f"### {group.messages:,}")
        st.caption(lag_caption(group))


def _cards(groups: Sequence[GroupLag]) -> None:
    names = group_names(groups)
    with st.container(horizontal=True):
        for group in groups[:_CARDS]:
            _card(group, names[group.group, group.cluster])
    if len(groups) > _CARDS:
        st.caption(f"The table shows {len(groups) - _CARDS} more groups.")


def _chart(answers: Answers, groups: Sequence[GroupLag], window: TimeWindow) -> None:
    name_of = group_names(groups)
    names = [_ALL, *name_of.values()]
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
        if chosen in (_ALL, None, name_of.get((point.group, point.cluster), point.group))
    ]
    if not points:
        return notices.empty_window("No lag readings in this time range.")
    kind = cast("Measure", _MEASURES[measure or "Messages"])
    st.altair_chart(lag_chart(points, kind, by_partition=chosen not in (_ALL, None)), key="lag")
    return None


def _partitions(groups: Sequence[GroupLag]) -> None:
    st.markdown("#### Partitions")
    st.dataframe(
        safe_rows(partition_rows(groups)),
        hide_index=True,
        key="partitions",
        column_config={
            "group": "Consumer group",
            "cluster": "Cluster",
            "seconds from": "Seconds from",
            "lost": st.column_config.NumberColumn("Lost (messages)", format="localized"),
            "problem": "Problem",
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
    report = answers.lag()
    groups = by_severity(report.groups)
    _problems(report.problems)
    if not groups:
        return _no_groups()
    _cards(groups)
    _chart(answers, groups, window)
    _partitions(groups)
    with st.expander("Lag statuses"):
        for status, meaning in STATUS_MEANINGS.items():
            st.markdown(f"{status_badge(status)} {meaning}")
    return None


def _problems(problems: Sequence[LagProblem]) -> None:
    """Tell what the newest poll could not read."""
    if not problems:
        return
    lines = [
        f"{formatting.escape_markdown(problem_place(problem))}: {problem.reason}"
        for problem in problems[:_PROBLEMS]
    ]
    if len(problems) > _PROBLEMS:
        lines.append(f"and {len(problems) - _PROBLEMS} more")
    st.warning("Not read: " + "  \n".join(lines))


def _no_groups() -> None:
    notices.empty_window(
        "No consumer groups yet.",
        "The collector reads group offsets if you name a broker: laban serve --kafka HOST:PORT.",
    )


with page_header("Lag"):
    time_range = time_range_picker()
live = time_range.name != CUSTOM
notices.auto_refresh(_body, REFRESH_S)
