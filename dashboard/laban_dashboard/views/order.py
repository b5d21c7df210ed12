"""The Order page: the verdict, the timeline or the sequence, and the messages of one order."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import urlencode

import streamlit as st

from laban_app.answers.protocol import Answers, TraceAnswers
from laban_app.answers.story_logs import told_with_logs
from laban_app.errors import OtherVersion, SeveralKeys, UnknownValue
from laban_dashboard.answer_source import shared_answers
from laban_dashboard.components.link_list import Link, link_list
from laban_dashboard.components.message_table import message_table
from laban_dashboard.components.orders_table import orders_table
from laban_dashboard.components.sequence import sequence
from laban_dashboard.components.timeline import timeline
from laban_dashboard.components.typed_history import typed_history
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.order_messages import message_table_data
from laban_dashboard.presentation.order_sequence import sequence_data
from laban_dashboard.presentation.order_timeline import (
    DEFAULT_KEY,
    CachedStory,
    folds_anything,
    is_final,
    parse_query,
    timeline_data,
)
from laban_dashboard.presentation.orders_rows import orders_table_data
from laban_dashboard.presentation.status_labels import STATE_MEANINGS
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_dashboard.widgets.order_links import open_clicked
from laban_dashboard.widgets.order_neighbours import order_neighbours
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.story_card import story_card
from laban_mapper.model import KnownValues, Story
from laban_mapper.orders import OrdersQuestion

REFRESH_S = 2
_QUERY = "order"
_FIELD = "Order ID or key=value"
_RECENT = "recent"
_CACHED = "cached_story"
_MAX_LISTED = 50
_LISTED = 20
_TABLE = "newest_orders"
_OFFERED = "offered_orders"
_PICTURES = ["Timeline", "Sequence"]
_TRACE = "trace"  # trace=ID opens the story of a trace
FINAL_REFRESH = timedelta(seconds=30)


def _open(value: str) -> None:
    """Open this order as if the user had typed it."""
    st.session_state[_QUERY] = value


def _open_recent() -> None:
    if st.session_state[_RECENT] is not None:
        _open(st.session_state[_RECENT])
        st.session_state[_RECENT] = None


def _search() -> str:
    text = st.text_input(
        _FIELD,
        key=_QUERY,
        bind="query-params",
        placeholder=_FIELD,
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
        format_func=formatting.plain,
        placeholder="Recent orders",
        key=_RECENT,
        on_change=_open_recent,
        label_visibility="collapsed",
    )


def _listing(answers: Answers) -> None:
    """Draw the newest orders with what became of them, before the user has entered an order."""
    found = answers.orders(OrdersQuestion(limit=_LISTED))
    if not found.orders:
        notices.no_keys(DEFAULT_KEY)
        return
    st.markdown("**Enter an order ID above, or open one of the newest orders.**")
    data = orders_table_data(found.orders, datetime.now(UTC), browser_timezone())
    orders_table(data, _TABLE, lambda: open_clicked(_TABLE))
    st.page_link("views/orders.py", label="All orders", icon=":material/list_alt:")


def _unknown(error: UnknownValue | SeveralKeys) -> None:
    key, value = formatting.escape_markdown(error.key), formatting.escape_markdown(error.value)
    with st.container(border=True, key="unknown"):
        several = isinstance(error, SeveralKeys)
        headline = "Several keys have" if several else f"Unknown {key}:"
        st.header(f":material/search_off: {headline} {value}", anchor=False)
        if error.keys:
            _offer("Open it as a value of:", {one: f"{one}={error.value}" for one in error.keys})
        elif isinstance(error, SeveralKeys):
            return
        elif error.nearest:
            prefix = "" if error.key == DEFAULT_KEY else f"{error.key}="
            _offer("Similar values:", {one: f"{prefix}{one}" for one in error.nearest})
        else:
            notices.no_keys(error.key)


def _offer(title: str, queries: Mapping[str, str]) -> None:
    """Draw links to orders that may have been meant, by their names."""

    def follow() -> None:
        opened = st.session_state[_OFFERED].get("open")
        if isinstance(opened, str):
            _open(opened)

    st.markdown(title)
    links = [
        Link(query, formatting.plain(name), f"order?{urlencode({'order': query})}")
        for name, query in queries.items()
    ]
    link_list(title, links, _OFFERED, follow)


def _messages(story: Story) -> None:
    if not story.messages:
        return
    states = {group.state for message in story.messages for group in message.groups}
    meanings = "  \n".join(f"**{state}**: {STATE_MEANINGS[state]}" for state in sorted(states))
    st.markdown("## Messages by consumer group", help=meanings or None)
    message_table(message_table_data(story.messages, browser_timezone()), "messages")


def _story(answers: TraceAnswers, key: str, value: str) -> Story:
    """Return the current story; query a final story less often."""
    now = datetime.now(UTC)
    cached = cast("CachedStory | None", st.session_state.get(_CACHED))
    if cached is not None and (cached.key, cached.value) == (key, value) and now < cached.until:
        return cached.story
    story = answers.story_of_trace(value) if key == _TRACE else answers.story(key, value)
    with contextlib.suppress(OtherVersion):  # a collector that is too old to store logs has none to show
        story = told_with_logs(answers, story)
    wait = FINAL_REFRESH if is_final(story, now) else timedelta()
    st.session_state[_CACHED] = CachedStory(key, value, now + wait, story)
    return story


def _order(answers: TraceAnswers, text: str) -> None:
    key, value = parse_query(text)
    try:
        story = _story(answers, key, value)
    except (UnknownValue, SeveralKeys) as error:
        return _unknown(error)
    if key != _TRACE:
        order_neighbours(answers, key, value)
    story_card(story, f"{key}-{value}")
    _picture(story)
    _messages(story)
    return None


def _picture(story: Story) -> None:
    """Draw the story as a timeline or as a sequence diagram; the URL says which."""
    with st.container(horizontal=True, vertical_alignment="center", key="picture"):
        shown = st.segmented_control(
            "Picture",
            _PICTURES,
            default=_PICTURES[0],
            required=True,
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
        every = False
        if shown == _PICTURES[0] and folds_anything(story):
            every = st.toggle(
                "Every step",
                key="every",
                bind="query-params",
                help="Show each span in a row of its own. Otherwise equal steps, both sides of a call, and "
                "small steps share a row.",
            )
    if shown == _PICTURES[1]:
        sequence(sequence_data(story), "sequence")
    else:
        timeline(timeline_data(story, browser_timezone(), fold=not every), "timeline")


def _body() -> None:
    with page_header("Order"):
        text = _search()
        recent_orders = st.container(width=220)
    answers = shared_answers()
    if answers.status().spans == 0:
        return notices.no_data()
    known = answers.known_values(DEFAULT_KEY, _MAX_LISTED)
    with recent_orders:
        _recent(known)
    return _order(answers, text) if text else _listing(answers)


notices.auto_refresh(_body, REFRESH_S)
typed_history(_FIELD, _QUERY)
