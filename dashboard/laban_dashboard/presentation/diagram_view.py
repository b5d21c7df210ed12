"""The Diagrams page without Streamlit: what the controls ask for, and a picture as HTML."""

import base64
from dataclasses import replace
from html import escape
from typing import Final

from laban_mapper.diagrams.choosing import Wanted, choose
from laban_mapper.diagrams.graph import Graph, Labels, Theme, Topics, View
from laban_mapper.diagrams.registry import FORMATS
from laban_mapper.model import ServiceMap, Story
from laban_mapper.printable import printable

MOST_LINES: Final = 2_000
"""Lines of a text that the page shows; the file has all."""


def wanted(
    service: str | None,
    depth: int,
    labels: Labels | None,
    *,
    collapse: bool,
    by_namespace: bool,
    theme: Theme,
) -> Wanted:
    """What the controls ask for; without labels, as many as fit."""
    topics: Topics = "collapse" if collapse else "show"
    view = View(labels=labels or "all", topics=topics, by_namespace=by_namespace, theme=theme)
    return Wanted(service=service, depth=depth, view=view, fitting=labels is None)


def graph_for(found: ServiceMap, asked: Wanted, version: str, form: str, story: Story | None) -> Graph:
    """The graph that a format writes: small enough for a picture if it is one."""
    return choose(found, asked, version, picture=FORMATS[form].picture, story=story)


def shown_picture(graph: Graph, theme: Theme) -> bytes:
    """The graph as SVG in the colors of the page."""
    return FORMATS["svg"].write(replace(graph, view=replace(graph.view, theme=theme)))


def picture_html(content: bytes, media_type: str, title: str, *, fit: bool) -> str:
    """An image in a box that scrolls; an image runs no scripts and loads nothing."""
    data = base64.b64encode(content).decode()
    width = "max-width:100%" if fit else "max-width:none"
    return (
        '<div tabindex="0" role="region" aria-label="Diagram" style="overflow:auto;max-height:75vh">'
        f'<img alt="{escape(printable(title))}" style="{width};height:auto;display:block" '
        f'src="data:{media_type};base64,{data}"></div>'
    )


def first_lines(text: str) -> tuple[str, int]:
    """The part of a text that a page can show, and how many lines are left out."""
    lines = text.split("\n")
    return "\n".join(lines[:MOST_LINES]), max(len(lines) - MOST_LINES, 0)
