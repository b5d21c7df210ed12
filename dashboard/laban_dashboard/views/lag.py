"""How far consumer groups are behind, now and over time."""

from collections.abc import Sequence
from typing import cast

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_dashboard import notices, windows, words
from laban_dashboard.frame import header
from laban_dashboard.lag_view import Measure, behind, lag_chart, partition_rows, worst_first
from laban_dashboard.place import answers
from laban_dashboard.status_words import STATUS_MEANINGS, badge
from laban_mapper.model import GroupLag

REFRESH_S = 5
_MEASURES = {"Messages": "messages", "Seconds": "seconds"}
_CARDS = 12
_ALL = "All groups"


def _card(group: GroupLag) -> None:
    with st.container(border=True, width=230, key=f"card-{group.group}"):
        st.markdown(
            f"**{words.plain(group.group)}** {badge(group.status)}",
            help=f"**{group.status}**: {STATUS_MEANINGS[group.status]}",
        )
        st.markdown(f"### {group.messages:,}")
        st.caption(behind(group))


def _cards(groups: Sequence[GroupLag]) -> None:
    with st.container(horizontal=True):
        for group in groups[:_CARDS]:
            _card(group)
    if len(groups) > _CARDS:
        st.caption(f"{len(groups) - _CARDS} more groups are in the table.")


def _chart(answering: Answers, groups: Sequence[GroupLag], window: windows.Window) -> None:
    names = [_ALL, *(group.group for group in groups)]
    wanted = st.query_params.get("group", _ALL)
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.selectbox(
            "Group",
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
        for point in answering.lag_history(window.since, until).points
        if chosen in (_ALL, None, point.group)
    ]
    if not points:
        return notices.nothing_here("No lag was read in this window.", "Choose a longer one, or All.")
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
            "group": "Group",
            "topic": "Topic",
            "partition": "Partition",
            "status": "Status",
            "messages": st.column_config.NumberColumn("Messages behind", format="localized"),
            "seconds": st.column_config.NumberColumn("Seconds behind", format="%.1f"),
            "committed": st.column_config.NumberColumn("Committed", format="localized"),
            "end": st.column_config.NumberColumn("Log end", format="localized"),
            "read at": st.column_config.DatetimeColumn("Read at", format="HH:mm:ss"),
        },
    )


def _body() -> None:
    answering = answers()
    status = answering.status()
    groups = worst_first(answering.lag().groups)
    window = windows.window_of(choice, status)
    if window is None or not groups:
        return notices.no_data() if window is None else _no_groups()
    notices.freshness(status, window)
    _cards(groups)
    _chart(answering, groups, window)
    _partitions(groups)
    with st.expander("What the words mean"):
        for word, meaning in STATUS_MEANINGS.items():
            st.markdown(f"{badge(word)} {meaning}")
    return None


def _no_groups() -> None:
    notices.nothing_here(
        "No consumer group has been read yet.",
        "The collector polls group offsets when it is told a broker: laban serve --kafka HOST:PORT.",
    )


with header("Lag"):
    choice = windows.choose()
live = choice.name != windows.CUSTOM
notices.live(_body, REFRESH_S)
