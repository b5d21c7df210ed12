"""What happened to one order: the verdict, the timeline, and what became of its messages."""

from datetime import UTC, datetime, timedelta
from typing import cast

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_app.errors import UnknownValue
from laban_dashboard import notices, words
from laban_dashboard.components.timeline import timeline
from laban_dashboard.frame import header
from laban_dashboard.order_view import DEFAULT_KEY, Kept, asked_for, bars, message_rows, settled
from laban_dashboard.place import answers
from laban_dashboard.status_words import OUTCOME_COLOURS, OUTCOME_ICONS, STATE_MEANINGS
from laban_mapper.model import KnownValues, Story

REFRESH_S = 2
_TYPED = "order"
_RECENT = "recent"
_KEPT = "kept_story"
_LISTED = 50
SETTLED_REFRESH = timedelta(seconds=30)


def _open(value: str) -> None:
    """Ask for this order, as if it had been typed."""
    st.session_state[_TYPED] = value


def _picked() -> None:
    if st.session_state[_RECENT] is not None:
        _open(st.session_state[_RECENT])
        st.session_state[_RECENT] = None


def _search() -> str:
    text = st.text_input(
        "Order id, or key=value",
        key=_TYPED,
        bind="query-params",
        placeholder="Order id, or key=value",
        icon=":material/search:",
        label_visibility="collapsed",
        width=340,
    )
    return (text or "").strip()


def _recent(known: KnownValues) -> None:
    st.selectbox(
        "Recent orders",
        [one.value for one in known.values],
        index=None,
        placeholder="Recent orders",
        key=_RECENT,
        on_change=_picked,
        label_visibility="collapsed",
    )


def _listing(known: KnownValues) -> None:
    """Nothing was asked for yet: the newest orders, to pick from."""
    now = datetime.now(UTC)
    st.markdown("**Pick one of the newest orders, or type an id above.**")
    with st.container(horizontal=True, gap="xsmall", key="listing"):
        for one in known.values:
            label = f"{words.plain(one.value)} :gray[:small[{words.ago(one.last_seen, now)}]]"
            st.button(label, key=f"open-{one.value}", on_click=_open, args=(one.value,))


def _unknown(error: UnknownValue) -> None:
    with st.container(border=True, key="unknown"):
        st.subheader(
            f":material/search_off: No {words.plain(error.key)} {words.plain(error.value)} has been seen",
            anchor=False,
        )
        if error.nearest:
            st.markdown("The nearest known:")
            with st.container(horizontal=True):
                for value in error.nearest:
                    typed = value if error.key == DEFAULT_KEY else f"{error.key}={value}"
                    st.button(words.plain(value), key=f"nearest-{value}", on_click=_open, args=(typed,))
        else:
            st.markdown(f"No {words.plain(error.key)} has been seen at all. Do its spans carry the key?")


def _verdict(story: Story) -> None:
    colour, icon = OUTCOME_COLOURS[story.outcome], OUTCOME_ICONS[story.outcome]
    with st.container(border=True, key="verdict"):
        st.markdown(f"#### :{colour}-badge[{icon} {story.outcome}] {words.plain(story.verdict)}")
        if story.root_cause is not None:
            cause = story.root_cause
            st.error(
                f"**Root cause: {words.plain(cause.service)}** · {words.plain(cause.operation)} · "
                f"{words.plain(cause.error)}",
                icon=":material/crisis_alert:",
            )
        started = story.started.astimezone(words.zone())
        st.caption(
            f"{started:%-d %b %Y %H:%M:%S} · {words.duration(story.duration_ms)} in all · "
            f"{words.count(story.spans, 'span')} in {words.count(len(story.traces), 'trace')}"
        )
        if story.truncated:
            st.caption(":orange[Only a part is shown: more spans belong to it than are read at once.]")


def _messages(story: Story) -> None:
    rows = message_rows(story.messages, words.zone())
    if not rows:
        return
    states = {group.state for message in story.messages for group in message.groups}
    meanings = "  \n".join(f"**{state}**: {STATE_MEANINGS[state]}" for state in sorted(states))
    st.markdown("#### Messages and who has read them", help=meanings or None)
    st.table(rows, hide_index=True)


def _story(answering: Answers, key: str, value: str) -> Story:
    """The story as it is now; one in which nothing more is expected is asked for less often."""
    now = datetime.now(UTC)
    kept = cast("Kept | None", st.session_state.get(_KEPT))
    if kept is not None and (kept.key, kept.value) == (key, value) and now < kept.until:
        return kept.story
    story = answering.story(key, value)
    wait = SETTLED_REFRESH if settled(story, now) else timedelta()
    st.session_state[_KEPT] = Kept(key, value, now + wait, story)
    return story


def _told(answering: Answers, text: str) -> None:
    key, value = asked_for(text)
    try:
        story = _story(answering, key, value)
    except UnknownValue as error:
        return _unknown(error)
    _verdict(story)
    timeline(bars(story, words.zone()), "timeline")
    _messages(story)
    return None


def _body() -> None:
    with header("Order"):
        text = _search()
        beside_search = st.container(width=220)
    answering = answers()
    if answering.status().spans == 0:
        return notices.no_data()
    known = answering.known_values(DEFAULT_KEY, _LISTED)
    with beside_search:
        _recent(known)
    return _told(answering, text) if text else _listing(known)


notices.live(_body, REFRESH_S)
