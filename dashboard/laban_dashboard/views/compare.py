"""The Compare page: two time ranges, files or collectors side by side, before and after."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from laban_dashboard.answer_source import shared_answers
from laban_dashboard.comparing import beside, compared
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.comparison_rows import (
    WINDOWS,
    bullets,
    edge_table,
    group_table,
    system_table,
)
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_dashboard.widgets.page_layout import page_header
from laban_mapper.drift.comparison.markdown import to_markdown
from laban_mapper.model import Status
from laban_mapper.model_compare import Comparison, SystemSide
from laban_mapper.printable import printable

REFRESH_S = 30
_DEFAULTS: Final = {"a": "30m..15m", "b": "15m.."}
_OLD: Final = timedelta(hours=1)
_YOUNG: Final = timedelta(hours=1)


def _side(label: str, name: str) -> str:
    """Draw the control of one side; the URL has its text."""
    wanted = st.query_params.get(name, _DEFAULTS[name])
    options = list(dict.fromkeys([wanted, *beside(), *WINDOWS]))
    key = f"{name}-{wanted}"

    def keep() -> None:
        st.query_params[name] = st.session_state[key] or _DEFAULTS[name]

    chosen = st.selectbox(
        label,
        options,
        key=key,
        format_func=printable,
        accept_new_options=True,
        on_change=keep,
        help="A time range: 2h..1h, 30m.., yesterday, 2026-11-28T10:00..2026-11-28T11:00 (UTC). Or a file or "
        "a collector that laban dashboard --beside NAME=SOURCE names.",
        width=300,
    )
    return chosen or wanted


def _now(status: Status) -> datetime:
    """Where time ranges end: now, to five minutes (at first to one), or the end of an old recording."""
    now = datetime.now(UTC)
    if status.last is not None and now - status.last > _OLD:
        return status.last + timedelta(milliseconds=1)
    if status.first is not None and now - status.first < _YOUNG:
        return now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)


def _empty_sides(comparison: Comparison) -> list[SystemSide]:
    called = {
        when
        for edge in comparison.edges
        for when, side in (("before", edge.before), ("after", edge.after))
        if side is not None and side.calls
    }
    sides = (("before", comparison.before), ("after", comparison.after))
    return [side for when, side in sides if when not in called]


def _nothing(empty: Sequence[SystemSide], status: Status) -> None:
    """Say that a side has no calls: all of the other would be new, or gone."""
    timezone = browser_timezone()
    ranges = " and ".join(formatting.time_range(side.since, side.until, timezone) for side in empty)
    names = " and in ".join(formatting.escape_markdown(side.name) for side in empty)
    known = ""
    if status.first is not None and status.last is not None:
        known = f" The spans are of {formatting.time_range(status.first, status.last, timezone)}."
    notices.empty_window(
        f"There are no calls in {names} ({ranges}), so nothing can be compared.",
        f"Select another time range above.{known}",
    )


def _systems(comparison: Comparison) -> None:
    with st.container(border=True, key="brought"):
        st.markdown("**What the change brought**")
        st.markdown(bullets(comparison.brought) or "Nothing has changed that can be told.")
    st.table(system_table(comparison, browser_timezone()), hide_index=True)
    st.caption("Times are in your time zone.", help=_utc(comparison.before, comparison.after))


def _utc(*sides: SystemSide) -> str:
    return " · ".join(formatting.utc_range(side.since, side.until) for side in sides)


def _findings(comparison: Comparison) -> None:
    for title, found in (("New findings", comparison.new_findings), ("Gone", comparison.gone_findings)):
        if found:
            st.markdown(f"## {title}")
            st.markdown(bullets(found))


def _edges(comparison: Comparison) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("## Edges")
        everything = st.toggle("Also those that are the same", key="all", bind="query-params")
    rows, left_out = edge_table(comparison, everything=everything)
    if rows:
        st.table(rows, hide_index=True)
    else:
        st.caption("No edge has changed.")
    if left_out:
        st.caption(f"and {formatting.count(left_out, 'more edge')}: laban compare --all")


def _groups(comparison: Comparison) -> None:
    rows, left_out = group_table(comparison)
    if rows:
        st.markdown("## Lag")
        st.table(rows, hide_index=True)
    if left_out:
        st.caption(f"and {formatting.count(left_out, 'more group')}: laban compare --json")


def _downloads(comparison: Comparison) -> None:
    with st.container(horizontal=True):
        forms = (
            ("Markdown", "md", "text/markdown", lambda: to_markdown(comparison, everything=True)),
            ("JSON", "json", "application/json", lambda: comparison.model_dump_json(by_alias=True, indent=2)),
        )
        for label, ending, media_type, written in forms:
            st.download_button(
                label,
                written,
                f"comparison.{ending}",
                media_type,
                key=f"download-{ending}",
                icon=":material/download:",
                on_click="ignore",
            )


def _body() -> None:
    status = shared_answers().status()
    if status.spans == 0:
        notices.no_data()
        return
    with st.container(horizontal=True, key="sides"):
        before, after = _side("Before", "a"), _side("After", "b")
    with st.spinner("Comparing …"):
        comparison = compared(before, after, _now(status))
    empty = _empty_sides(comparison)
    if empty:
        _nothing(empty, status)
        return
    _systems(comparison)
    _findings(comparison)
    _edges(comparison)
    _groups(comparison)
    for note in comparison.notes:
        st.caption(formatting.escape_markdown(note))
    if comparison.truncated:
        st.caption("Only the busiest edges are compared.")
    _downloads(comparison)


with page_header("Compare"):
    pass
notices.auto_refresh(_body, REFRESH_S)
