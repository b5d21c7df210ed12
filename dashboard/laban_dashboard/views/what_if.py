"""The What-if page: what becomes of the requests if a service is down, slower, or called in another way."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

import streamlit as st

from laban_dashboard.answer_source import predicted, shared_answers
from laban_dashboard.components.link_list import Link, link_list
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.time_window import steady
from laban_dashboard.presentation.what_if_changes import (
    KINDS,
    Kind,
    change_text,
    in_words,
    places,
    suggestions,
    texts_of,
)
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.prediction import prediction
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.model import ServiceMap
from laban_mapper.names import shortened
from laban_mapper.printable import printable

REFRESH_S = 30
_MOST_PLACES: Final = 500
_NEW: Final = "what_if_new"
_SUGGESTED: Final = "what_if_suggested"


class _New(NamedTuple):
    """A change that is on its way into the URL of the browser."""

    kind: Kind
    text: str
    is_drawn: bool = False


def _given() -> dict[Kind, list[str]]:
    """The changes that the URL has."""
    _keep_on_its_way()
    return {kind: st.query_params.get_all(kind) for kind in KINDS}


def _keep_on_its_way() -> None:
    """Put a new change into the URL again if the browser has not got it.

    Streamlit drops the messages of a run that another one replaces, and that one begins with the old URL.
    """
    new: _New | None = st.session_state.get(_NEW)
    if new is None:
        return
    if new.text not in st.query_params.get_all(new.kind):
        _put(new.kind, new.text)
    elif new.is_drawn:
        del st.session_state[_NEW]
    else:
        st.session_state[_NEW] = new._replace(is_drawn=True)


def _add(kind: Kind, place: str | None) -> None:
    if place:
        _keep(kind, change_text(kind, place, st.session_state.get(f"value-{kind}", "")))


def _keep(kind: Kind, text: str) -> None:
    """Put a new change into the URL."""
    st.session_state[_NEW] = _New(kind, text)
    _put(kind, text)


def _put(kind: Kind, text: str) -> None:
    st.query_params[kind] = [*(one for one in st.query_params.get_all(kind) if one != text), text]


def _remove(kind: Kind, text: str) -> None:
    st.session_state.pop(_NEW, None)
    left = [one for one in st.query_params.get_all(kind) if one != text]
    if left:
        st.query_params[kind] = left
    else:
        st.query_params.pop(kind, None)


def _editor(found: ServiceMap) -> None:
    """Draw the controls that add a change."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="editor"):
        kind: Kind = (
            st.selectbox("What changes", list(KINDS), format_func=lambda kind: KINDS[kind].label, width=210)
            or "down"
        )
        place = st.selectbox(
            "Service or call" if KINDS[kind].of_nodes and KINDS[kind].of_edges else "Where",
            places(found, kind)[:_MOST_PLACES],
            key=f"place-{kind}",
            format_func=lambda name: printable(shortened(name)),
            accept_new_options=True,
            width=320,
        )
        if KINDS[kind].value is not None:
            st.text_input(KINDS[kind].value or "", KINDS[kind].example, key=f"value-{kind}", width=120)
        st.button("Add", icon=":material/add:", on_click=_add, args=(kind, place))


def _changes(given: Mapping[Kind, Sequence[str]]) -> None:
    """Draw each change as a button that removes it."""
    with st.container(horizontal=True, key="changes"):
        for kind, texts in given.items():
            for number, text in enumerate(texts):
                st.button(
                    formatting.escape_markdown(shortened(in_words(kind, text))),
                    key=f"remove-{kind}-{number}",
                    icon=":material/close:",
                    help="Remove this change",
                    on_click=_remove,
                    args=(kind, text),
                )


def _suggest(found: ServiceMap) -> None:
    with st.container(border=True, key="suggestions"):
        st.markdown("**Add a change above, or try one of these.**")
        st.caption(
            "laban replays a sample of the recorded traces with the change. The address of this page has all "
            "of it, so the answer can be shared as a link."
        )
        suggested: dict[str, tuple[Kind, str]] = {
            f"{kind}={text}": (kind, text) for kind, text in suggestions(found)
        }

        def follow() -> None:
            chosen = suggested.get(str(st.session_state[_SUGGESTED].get("open")))
            if chosen is not None:
                _keep(*chosen)

        query = st.query_params.to_dict()
        links = [
            Link(
                name,
                formatting.plain(f"What if {shortened(in_words(kind, text))}?"),
                f"what-if?{urlencode({**query, kind: text})}",
            )
            for name, (kind, text) in suggested.items()
        ]
        link_list("Suggestions", links, _SUGGESTED, follow)


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return
    window = steady(window)
    found = answers.service_map(window.since, window.until)
    _editor(found)
    given = _given()
    if not any(given.values()):
        _suggest(found)
        return
    _changes(given)
    with st.spinner("Replaying traces …"):
        answer = predicted(texts_of(given), window.since, window.until)
    prediction(answer)
    for kind, texts in given.items():
        if texts:
            st.query_params[kind] = (
                texts  # again: the browser may have missed it, and does nothing if it has not
            )


with page_header("What if"):
    time_range = time_range_picker()
notices.auto_refresh(_body, REFRESH_S)
