"""The Findings page: what is wrong with how the services talk, each with proof and advice."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

import streamlit as st

from laban_dashboard.answer_source import found_between, known_services, shared_answers
from laban_dashboard.components.find_field import find_field
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.finding_rows import (
    SEVERITY_COLOURS,
    counted_by_severity,
    looked_at,
    number_rows,
    with_text,
)
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.model import Finding, Findings, Severity

REFRESH_S = 15
_MOST: Final = 100
_TEXT: Final = "find"
_FIELD: Final = "find_findings"
_PLACES: Final = "[data-testid=stMain] [data-testid=stExpander] summary"
_MINUTE: Final = timedelta(minutes=1)


def _finding(found: Finding, number: int) -> None:
    """Draw one finding: the sentence, and folded below it why, what to do, and the proof."""
    colour = "gray" if found.ignored is not None else SEVERITY_COLOURS[found.severity]
    with st.container(border=True, key=f"finding-{number}", gap="xsmall"):
        label = "ignored" if found.ignored is not None else found.severity
        place = formatting.escape_markdown(found.place)
        st.markdown(f":{colour}-badge[{label}] **{found.code} {found.name}** · {place}")
        sentence = formatting.capitalized(found.sentence, *found.place.split(), *known_services())
        local = formatting.in_timezone(sentence, datetime.now(UTC), browser_timezone())
        in_utc = None if local == sentence else formatting.escape_markdown(sentence)
        st.markdown(f"{formatting.escape_markdown(local)}.", help=in_utc)
        if found.ignored is not None:
            st.caption(f"Ignored: {formatting.escape_markdown(found.ignored)}")
        with st.expander("Why, what to do, and proof"):
            st.markdown(f"**Why it matters.** {formatting.escape_markdown(found.why)}")
            st.markdown(f"**What to do.** {formatting.escape_markdown(found.advice)}")
            if found.numbers:
                st.table(number_rows(found), hide_index=True)
            for trace in found.traces:
                st.page_link(
                    "views/order.py",
                    label=f"Trace {trace[:16]}…",
                    icon=":material/receipt_long:",
                    query_params={"order": f"trace={trace}"},
                )


def _filters(found: Findings) -> list[Finding]:
    counts = counted_by_severity(found.findings)
    with st.container(horizontal=True, vertical_alignment="center", key="filters"):
        chosen = st.pills(
            "Severity",
            get_args(Severity)[::-1],
            selection_mode="multi",
            format_func=lambda severity: f"{severity} {counts[severity]}",
            key="severity",
            bind="query-params",
            label_visibility="collapsed",
        )
        with st.container(width=280):
            text = find_field("Find in the findings", _TEXT, _PLACES, _FIELD)
    return [one for one in with_text(found.findings, text) if not chosen or one.severity in chosen]


def _list(shown: Sequence[Finding]) -> None:
    if not shown:
        notices.empty_window("No finding is like that.", "Remove a filter.")
    for number, finding in enumerate(shown[:_MOST]):
        _finding(finding, number)
    if len(shown) > _MOST:
        st.caption(f"and {len(shown) - _MOST} more: laban findings")


def _body() -> None:
    window = notices.current_window(shared_answers(), time_range)
    if window is None:
        return
    found = found_between(_whole_minute(window.since), _whole_minute(window.until) + _MINUTE)
    st.caption(looked_at(found) + (" Renewed once a minute." if window.live else ""))
    if not found.findings:
        st.success(
            "**No findings: how the services talk breaks no rule.** Home shows what fails or waits now.",
            icon=":material/check_circle:",
        )
        return
    _list(_filters(found))


def _whole_minute(time: datetime) -> datetime:
    """So that browsers that ask within seconds share an answer."""
    return time.replace(second=0, microsecond=0)


with page_header("Findings"):
    time_range = time_range_picker()
notices.auto_refresh(_body, REFRESH_S)
