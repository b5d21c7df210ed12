"""The sides that the Compare page can compare: time ranges of the source, and what `--beside` names."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import streamlit as st

from laban_app.answers.discovery import open_answers
from laban_app.answers.sides import recorded_side, side_of
from laban_dashboard.answer_source import AnswerSource, configured_source, shared_answers
from laban_mapper.drift.comparison.comparing import compare
from laban_mapper.drift.comparison.sides import Side
from laban_mapper.drift.comparison.windows import parse_window
from laban_mapper.errors import InvalidTimeRange
from laban_mapper.model_compare import Comparison

_SHARED = timedelta(minutes=5)


def compared(before: str, after: str, now: datetime) -> Comparison:
    """Return two sides next to each other, asked once in five minutes for all browsers.

    Args:
        before: a time range such as `2h..1h`, or a name of `--beside`.
        after: likewise.
        now: where time ranges end; of an old recording, its end.

    Raises:
        InvalidTimeRange: a text is neither.
        AppError, StoreError: a source does not answer.
    """
    source = configured_source()
    return compare(*(_side(source, text, now) for text in (before, after)))


def beside() -> Mapping[str, str]:
    """The files and collectors that can be compared with, by name."""
    return dict(configured_source().beside)


@st.cache_resource(ttl=_SHARED, show_spinner=False, max_entries=50)
def _side(source: AnswerSource, text: str, now: datetime) -> Side:
    named = dict(source.beside).get(text)
    if named is None:
        return side_of(shared_answers(), text, *_window(text, now, dict(source.beside)))
    if named.lower().startswith(("http://", "https://")):
        return side_of(open_answers(named), text)
    return recorded_side(open_answers(None, Path(named)), text)


def _window(text: str, now: datetime, named: Mapping[str, str]) -> tuple[datetime, datetime]:
    try:
        return parse_window(text, now)
    except InvalidTimeRange as error:
        if ".." in text:
            raise
        known = f" Or one of: {', '.join(named)}." if named else ""
        raise InvalidTimeRange(f"{error}{known} Name other files and collectors with --beside.") from error
