"""The Lag page: how far behind each consumer group is, how fast it drains, which orders wait, and why."""

from collections.abc import Sequence
from typing import cast

import streamlit as st

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
    polled_at,
    standing_caption,
)
from laban_dashboard.presentation.lag_queues import drain, rates
from laban_dashboard.presentation.status_labels import (
    STATUS_MEANINGS,
    status_badge,
    status_meaning,
)
from laban_dashboard.presentation.time_window import CUSTOM
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_dashboard.widgets.page_layout import figure_value, page_header
from laban_dashboard.widgets.queues import queues
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.lag import problem_place
from laban_mapper.model import GroupLag, LagHistory, LagProblem
from laban_mapper.names import shortened
from laban_mapper.printable import printable

REFRESH_S = 5
_MEASURES = {"Messages": "messages", "Seconds": "seconds"}
_CARDS = 12
_PROBLEMS = 5
_ALL = "All groups"


def _card(group: GroupLag, name: str) -> None:
    with st.container(border=True, width=230, gap="xsmall", key=f"card-{name}"):
        st.markdown(
            f"**{formatting.escape_markdown(shortened(name, 40))}** {status_badge(group.status)}",
            help=status_meaning(group.status),
        )
        figure_value(f"{group.messages:,}", name)
        st.caption(lag_caption(group))
        standing = standing_caption(group)
        if standing is not None:
            st.caption(f":red[{standing}]")
        if group.waiting:
            st.caption(rates(group.waiting))
        told = drain(group)
        st.caption(f":red[{told}]" if told.startswith("never") else told)


def _cards(groups: Sequence[GroupLag]) -> None:
    names = group_names(groups)
    with st.container(horizontal=True):
        for group in groups[:_CARDS]:
            _card(group, names[group.group, group.cluster])
    if len(groups) > _CARDS:
        st.caption(f"The table shows {len(groups) - _CARDS} more groups.")


def _choose(names: Sequence[str]) -> str | None:
    """Draw the list of groups; the URL has the chosen one. None: all of them."""
    options = [_ALL, *names]
    wanted = st.query_params.get("group", _ALL)
    key = f"chosen-{wanted}"

    def keep() -> None:
        if st.session_state[key] == _ALL:
            st.query_params.pop("group", None)
        else:
            st.query_params["group"] = st.session_state[key]

    chosen = st.selectbox(
        "Consumer group",
        options,
        index=options.index(wanted) if wanted in options else 0,
        key=key,
        format_func=lambda name: printable(shortened(name)),
        on_change=keep,
        label_visibility="collapsed",
        width=260,
    )
    return None if chosen == _ALL else chosen


def _measure() -> Measure:
    measure = st.segmented_control(
        "Measure",
        list(_MEASURES),
        default="Messages",
        required=True,
        key="measure",
        bind="query-params",
        label_visibility="collapsed",
    )
    return cast("Measure", _MEASURES[measure or "Messages"])


def _chart(history: LagHistory, groups: Sequence[GroupLag], measure: Measure, *, single: bool) -> None:
    """Draw the lag of these groups over time; of a single one by partition."""
    wanted = {(group.group, group.cluster) for group in groups}
    points = [point for point in history.points if (point.group, point.cluster) in wanted]
    if not points:
        return notices.empty_window("No lag readings in this time range.")
    objectives = {name: limit for name, limit in history.objectives.items() if name in {g for g, _ in wanted}}
    chart = lag_chart(points, measure, by_partition=single, objectives=objectives)
    st.vega_lite_chart(spec=chart, key="lag", alt="Lag over time")
    if objectives and measure == "messages":
        st.caption("Objectives are in seconds: choose Seconds to see them.")
    return None


def _partitions(groups: Sequence[GroupLag]) -> None:
    timezone = browser_timezone()
    st.markdown("## Partitions")
    st.dataframe(
        safe_rows(partition_rows(groups)),
        hide_index=True,
        key="partitions",
        placeholder=formatting.NO_VALUE,
        column_config={
            "group": "Consumer group",
            "cluster": "Cluster",
            "seconds from": st.column_config.TextColumn(
                "Seconds known from", help="How the seconds are known, or why they are not"
            ),
            "lost": st.column_config.NumberColumn("Lost (messages)", format="localized"),
            "problem": "Problem",
            "topic": "Topic",
            "partition": "Partition",
            "status": "Status",
            "messages": st.column_config.NumberColumn("Lag (messages)", format="localized"),
            "seconds": st.column_config.NumberColumn("Lag (s)", format="%.2f"),
            "committed": st.column_config.NumberColumn(
                "Committed", help="Committed offset", format="localized"
            ),
            "end": st.column_config.NumberColumn("Log end", help="Log end offset", format="localized"),
            "read at": st.column_config.DatetimeColumn(
                "Read at", format="HH:mm:ss", timezone=str(timezone), help=f"In your time zone, {timezone}"
            ),
        },
    )
    when, utc = polled_at(groups, timezone)
    if when:
        st.caption(when, help=utc)


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return None
    report = answers.waiting()
    groups = by_severity(report.groups)
    _problems(report.problems)
    if not groups:
        return _no_groups(report.problems)
    _cards(groups)
    names = group_names(groups)
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = _choose(list(names.values()))
        measure = _measure()
    shown = [group for group in groups if chosen in (None, names[group.group, group.cluster])]
    history = answers.lag_history(window.since, None if live else window.until)
    _chart(history, shown, measure, single=chosen is not None)
    queues(shown, names)
    _partitions(shown)
    with st.expander("Lag statuses"):
        for status, meaning in STATUS_MEANINGS.items():
            st.markdown(f"{status_badge(status)} {meaning}")
    return None


def _problems(problems: Sequence[LagProblem]) -> None:
    """Tell what the newest poll could not read."""
    if not problems:
        return
    lines = [
        formatting.escape_markdown(f"{problem_place(problem)}: {problem.reason}")
        for problem in problems[:_PROBLEMS]
    ]
    if len(problems) > _PROBLEMS:
        lines.append(f"and {len(problems) - _PROBLEMS} more")
    st.warning("Not read: " + "  \n".join(lines))


def _no_groups(problems: Sequence[LagProblem]) -> None:
    if problems:
        return
    with st.container(border=True, key="no_kafka"):
        st.header(":material/hourglass_empty: No consumer groups yet", anchor=False)
        st.markdown("Lag is read from the brokers of Kafka. Tell the collector which ones:")
        st.code("laban serve --kafka HOST:PORT", language=None)
        st.caption(
            "If you have done that, no group has committed an offset yet. RabbitMQ and NATS have no lag that "
            "laban reads; the time that their messages wait is on the Latency page."
        )


with page_header("Lag"):
    time_range = time_range_picker()
live = time_range.name != CUSTOM
notices.auto_refresh(_body, REFRESH_S)
