"""The window of time that a page looks at, and how it is chosen."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from laban_dashboard import words
from laban_mapper.model import Status

ALL = "All"
CUSTOM = "Custom"
LENGTHS = {"5 min": timedelta(minutes=5), "15 min": timedelta(minutes=15), "1 h": timedelta(hours=1)}
CHOICES = [*LENGTHS, ALL, CUSTOM]
DEFAULT = "15 min"

_JUST_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen: a name of CHOICES, and for CUSTOM the two ends."""

    name: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Half open, [since, until), time zone aware."""

    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.until - self.since).total_seconds()


def window_of(choice: Choice, status: Status) -> Window | None:
    """The chosen window over what the store holds; None while it holds nothing.

    The last minutes are counted back from the newest span, not from now, so that a recording shows as a
    live system does. The window never begins before the first span, else rates would be too low.
    """
    if status.first is None or status.last is None:
        return None
    until = status.last + _JUST_AFTER
    if choice.name == CUSTOM and choice.since and choice.until and choice.since < choice.until:
        return Window(choice.since, choice.until)
    since = until - LENGTHS[choice.name] if choice.name in LENGTHS else status.first
    return Window(max(since, status.first), until)


def choose() -> Choice:
    """Draw the chooser; the choice stays in the URL and so on every page."""
    name = st.segmented_control(
        "Window of time",
        CHOICES,
        default=DEFAULT,
        required=True,
        key="window",
        bind="query-params",
        label_visibility="collapsed",
    )
    if name != CUSTOM:
        return Choice(name or DEFAULT)
    return _custom()


def _custom() -> Choice:
    where = words.zone()
    now = datetime.now(where).replace(second=0, microsecond=0, tzinfo=None)
    with st.container(horizontal=True, width="content"):
        since = st.datetime_input(
            "From", now - timedelta(hours=1), key="from", step=60, width=190, persist_state="session"
        )
        until = st.datetime_input(
            "To", now + timedelta(minutes=1), key="to", step=60, width=190, persist_state="session"
        )
    if since >= until:
        st.caption(":orange[The end must be after the beginning; showing everything until then.]")
        return Choice(ALL)
    return Choice(CUSTOM, since.replace(tzinfo=where), until.replace(tzinfo=where))
