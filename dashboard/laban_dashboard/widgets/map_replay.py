"""Moves through time on the map."""

from datetime import datetime
from typing import Final, cast

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_dashboard.answer_source import past_map
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.map.replay import (
    SPAN,
    at_moment,
    lag_then,
    positions,
    replayed_window,
    unknown_then,
)
from laban_dashboard.presentation.time_window import TimeWindow
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_mapper.model import GroupLag, ServiceMap
from laban_mapper.names import shortened

_NAMED: Final = 5
_AT: Final = "at"
_WINDOW: Final = "replayed_window"
_PLAY: Final = "play"


def replayed(answers: Answers, window: TimeWindow) -> tuple[ServiceMap, list[GroupLag]]:
    """Draw the slider, and return the map of the minutes that it stands at, and the lag at their end."""
    whole = _kept(window)
    ends = positions(whole)
    shown = _slider(ends)
    picture = past_map(shown - SPAN, shown)
    lag = lag_then(answers.lag_history(shown - SPAN, shown).points, shown)
    found = at_moment(past_map(whole.since, whole.until), picture, lag)
    zone = browser_timezone()
    calls = sum(edge.calls for edge in found.edges)
    st.caption(
        f"{formatting.time_range(found.since, found.until, zone)} · {formatting.count(calls, 'call')} · "
        f"what is quiet then is faded. Lag is of the last poll in this time.{_unknown(found, lag)}",
        help=formatting.utc_range(found.since, found.until),
    )
    return found, lag


def _unknown(found: ServiceMap, lag: list[GroupLag]) -> str:
    groups = unknown_then(found, lag)
    if not groups:
        return ""
    names = [formatting.escape_markdown(shortened(group)) for group in groups[:_NAMED]]
    names += [f"{len(groups) - _NAMED:,} more"] if len(groups) > _NAMED else []
    return f" Its status is unknown then: {', '.join(names)}."


def _kept(window: TimeWindow) -> TimeWindow:
    """Return the time to replay, which does not move while it is replayed."""
    asked = (st.query_params.get("window"), st.query_params.get("from"), st.query_params.get("to"))
    known = cast("tuple[object, TimeWindow] | None", st.session_state.get(_WINDOW))
    if known is None or known[0] != asked:
        known = (asked, replayed_window(window))
        st.session_state[_WINDOW] = known
    return known[1]


def _slider(ends: list[datetime]) -> datetime:
    """Draw the slider; while it plays, each refresh is a step."""
    zone = browser_timezone()
    texts = {f"{end.astimezone(zone):%H:%M}": end for end in ends}
    options = list(texts)
    if st.session_state.get(_AT) not in texts:
        st.session_state[_AT] = options[-1]
    if st.session_state.get(_PLAY):
        step = (options.index(st.session_state[_AT]) + 1) % len(options)
        st.session_state[_AT] = options[step]
    with st.container(horizontal=True, vertical_alignment="center", key="replay-bar"):
        st.toggle("Play", key=_PLAY)
        shown = st.select_slider("Minute", options, key=_AT, label_visibility="collapsed", width="stretch")
    return texts[str(shown)]
