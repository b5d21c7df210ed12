"""The Diagrams page: choose a part of the map, a format and a level of detail; see it, and download it."""

import importlib.metadata
from typing import Final

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_dashboard.answer_source import shared_answers
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.diagram_view import (
    first_lines,
    graph_for,
    picture_html,
    shown_picture,
    wanted,
)
from laban_dashboard.presentation.order_timeline import parse_query
from laban_dashboard.presentation.time_window import TimeWindow
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.diagrams.choosing import Wanted
from laban_mapper.diagrams.graph import LABELS, THEMES, Graph, Theme
from laban_mapper.diagrams.registry import FORMATS, Format
from laban_mapper.errors import RenderFailed
from laban_mapper.model import ServiceMap, Story

REFRESH_S = 60
_WHOLE, _SERVICE, _ENTRY, _ORDER = "Whole system", "Service", "Entry", "Order"
_SCOPES: Final = [_WHOLE, _SERVICE, _ENTRY, _ORDER]
_PROMPTS: Final = {
    _SERVICE: "Choose a service, a topic or a database: the diagram shows it and what is near.",
    _ENTRY: "Enter an entry operation such as POST /orders: the diagram shows what its traces touch.",
    _ORDER: "Enter the ID of an order: the diagram shows what it touched.",
}


def _scope() -> str:
    return (
        st.segmented_control(
            "Scope",
            _SCOPES,
            default=_WHOLE,
            required=True,
            key="scope",
            bind="query-params",
            label_visibility="collapsed",
        )
        or _WHOLE
    )


def _typed(label: str, placeholder: str, key: str) -> str | None:
    text = st.text_input(
        label,
        key=key,
        bind="query-params",
        placeholder=placeholder,
        width=260,
    )
    return (text or "").strip() or None


def _service(answers: Answers, window: TimeWindow) -> tuple[str | None, int]:
    """Draw the controls for a node and how far around it; the list has what runs now, and takes any name."""
    found = answers.service_map(window.since, window.until)
    names = sorted({node.name for node in found.nodes if node.kind in ("service", "topic", "database")})
    name = st.selectbox(
        "Service",
        names,
        index=None,
        format_func=formatting.plain,
        placeholder="Service, topic or database",
        key="service",
        bind="query-params",
        accept_new_options=True,
        width=260,
    )
    depth = st.number_input(
        "Calls away",
        1,
        20,
        1,
        key="depth",
        bind="query-params",
        help="How many calls or messages up and down.",
        width=130,
    )
    return name or None, int(depth)


def _format() -> str:
    chosen = st.selectbox("Format", list(FORMATS), key="format", bind="query-params", width=140)
    return chosen or "svg"


def _look(chosen: Format, service: str | None, depth: int) -> Wanted:
    """Draw the controls for how it looks, as far as the format has a look."""
    if not chosen.draws:
        return wanted(service, depth, None, collapse=False, by_namespace=False, theme="auto")
    labels = st.selectbox(
        "Labels",
        LABELS,
        index=None,
        placeholder="as many as fit",
        key="labels",
        bind="query-params",
        width=150,
        help="What the arrows tell. contract and none tell nothing that changes with the traffic.",
    )
    theme: Theme | None = "auto"
    if chosen.picture:
        theme = st.selectbox(
            "Colors",
            THEMES,
            key="theme",
            bind="query-params",
            width=110,
            help="auto follows the reader. inherit is for SVG inside a page: it takes the color of its text.",
        )
    topics = st.toggle("Topics", value=True, key="topics", bind="query-params")
    spaces = st.toggle("Namespaces", key="namespaces", bind="query-params")
    return wanted(service, depth, labels, collapse=not topics, by_namespace=spaces, theme=theme or "auto")


def _show(graph: Graph, name: str, content: bytes, *, fit: bool) -> None:
    """Draw the diagram as a picture or a text, and below it what it leaves out."""
    chosen = FORMATS[name]
    if graph.note and not chosen.picture:  # a picture says it in its legend
        st.caption(formatting.escape_markdown(graph.note))
    if chosen.picture:
        _picture(graph, content if name == "png" else None, fit=fit)
        return
    text, left_out = first_lines(content.decode())
    st.code(text, language=None, height=520)
    if left_out:
        st.caption(f"{left_out:,} more lines are in the file.")


def _picture(graph: Graph, png: bytes | None, *, fit: bool) -> None:
    theme = graph.view.theme
    if png is not None:
        st.html(picture_html(png, FORMATS["png"].media_type, graph.heading(), fit=fit))
        return
    # An image does not know the theme that the reader has chosen for the page.
    own: Theme = "dark" if st.context.theme.type == "dark" else "light"
    drawn = shown_picture(graph, own if theme in ("auto", "inherit") else theme)
    st.html(picture_html(drawn, FORMATS["svg"].media_type, graph.heading(), fit=fit))


def _download(content: bytes, chosen: Format) -> None:
    st.download_button(
        "Download",
        content,
        f"laban-diagram{chosen.suffix}",
        chosen.media_type,
        key="download",
        icon=":material/download:",
        on_click="ignore",
    )


def _found(
    answers: Answers, window: TimeWindow, entry: str | None, order: str | None
) -> tuple[ServiceMap, Story | None]:
    story = None if order is None else answers.story(*parse_query(order))
    return answers.service_map(window.since, window.until, entry=entry), story


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="scope-row"):
        scope = _scope()
        service, depth = _service(answers, window) if scope == _SERVICE else (None, 1)
        entry = _typed("Entry operation", "POST /orders", "entry") if scope == _ENTRY else None
        order = _typed("Order ID or key=value", "Order ID or key=value", "order") if scope == _ORDER else None
    with st.container(horizontal=True, vertical_alignment="bottom", key="look-row"):
        name = _format()
        asked = _look(FORMATS[name], service, depth)
        fit = not FORMATS[name].picture or st.toggle("Fit", value=True, key="fit", bind="query-params")
        place = st.container(width="content")
    if scope != _WHOLE and not (service or entry or order):
        st.caption(_PROMPTS[scope])
        return
    try:
        found, story = _found(answers, window, entry, order)
        graph = graph_for(found, asked, importlib.metadata.version("laban"), name, story)
        if not graph.shown.edges:
            notices.empty_window("Nothing to draw: no calls or messages of this part in this time range.")
            return
        content = FORMATS[name].write(graph)
    except RenderFailed as error:
        st.error(formatting.escape_markdown(str(error)), icon=":material/error:")
        return
    with place:
        _download(content, FORMATS[name])
    _show(graph, name, content, fit=fit)


with page_header("Diagrams"):
    time_range = time_range_picker()
notices.auto_refresh(_body, REFRESH_S)
