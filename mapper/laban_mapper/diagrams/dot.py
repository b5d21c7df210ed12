"""The drawing in DOT, the language of Graphviz."""

from typing import Final

from graphviz import Digraph, escape, nohtml

from laban_mapper.diagrams.drawing import Arrow, Drawing
from laban_mapper.lag import lag_mark
from laban_mapper.model import Node, NodeKind

_FONT: Final = "Helvetica,Arial,sans-serif"
_INK: Final = "#1f2937"
_SYNC: Final = "#1d4ed8"
_ASYNC: Final = "#7c3aed"
_ERROR: Final = "#dc2626"
_LABEL: Final = "#475569"

_CHARACTER: Final = 8.2
"""The width of a character in points, in a wide font such as DejaVu Sans: the label of a topic must fit where
Helvetica is missing."""

_STYLES: Final[dict[NodeKind, dict[str, str]]] = {
    "service": {"shape": "box", "style": "rounded,filled", "fillcolor": "#dbeafe", "color": "#1d4ed8"},
    "group": {"shape": "box", "style": "dashed,filled", "fillcolor": "#fef2f2", "color": _ERROR},
    "database": {"shape": "cylinder", "style": "filled", "fillcolor": "#dcfce7", "color": "#15803d"},
    "external": {"shape": "box", "style": "filled,dashed", "fillcolor": "#f1f5f9", "color": "#64748b"},
    "entry": {"shape": "oval", "style": "filled", "fillcolor": "#f1f5f9", "color": "#64748b"},
    "unseen": {"shape": "oval", "style": "filled,dashed", "fillcolor": "#f1f5f9", "color": "#64748b"},
    "other": {"shape": "box3d", "style": "filled", "fillcolor": "#e5e7eb", "color": "#6b7280"},
    "topic": {"shape": "plain"},
}


def to_dot(drawing: Drawing, note: str | None = None) -> str:
    """DOT source with a note above the drawing; the same drawing gives the same text."""
    graph = Digraph("laban")
    graph.attr(rankdir="LR", bgcolor="white", pad="0.3", nodesep="0.45", ranksep="0.9", fontname=_FONT)
    if note is not None:
        graph.attr(label=nohtml(escape(f"{note}\n ")), labelloc="t", fontsize="15", fontcolor=_INK)
    graph.attr("node", fontname=_FONT, fontsize="13", fontcolor=_INK, penwidth="1.2", margin="0.18,0.10")
    graph.attr("edge", fontname=_FONT, fontsize="9", fontcolor=_LABEL, penwidth="1.3", arrowsize="0.7")
    names = {node.id: f"n{number}" for number, node in enumerate(drawing.nodes)}
    for node in drawing.nodes:
        label = _queue(node.name) if node.kind == "topic" else _label(_text(node))
        graph.node(names[node.id], label, **_STYLES[node.kind])
    for arrow in drawing.arrows:
        graph.edge(names[arrow.source], names[arrow.target], **_edge(arrow))
    return str(graph.source)


def _text(node: Node) -> str:
    """The label of a node. A group is drawn only if its service is unknown."""
    if node.kind != "group":
        return node.name
    return "\n".join(text for text in (f"group {node.name}", "no span seen", lag_mark(node)) if text)


def _edge(arrow: Arrow) -> dict[str, str]:
    color = _ERROR if arrow.failing else _ASYNC if arrow.dashed else _SYNC
    return {
        "label": _label("\n".join(arrow.lines)),
        "style": "dashed" if arrow.dashed else "solid",
        "color": color,
        "fontcolor": _ERROR if arrow.failing else _LABEL,
    }


def _label(text: str) -> str:
    """A text that Graphviz shows as it is: it knows escapes, HTML and entities (`&#27;`)."""
    label: str = nohtml(escape(text.replace("&", "&amp;")))  # its type says that it is no HTML
    return label


def _queue(name: str) -> str:
    """The label of a topic: its name, then a row of messages."""
    text = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    width = round(_CHARACTER * len(name)) + 12
    message = '<TD WIDTH="5" BGCOLOR="#fcd34d"></TD>'
    return (
        '<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="6" COLOR="#b45309">'
        f'<TR><TD ALIGN="LEFT" WIDTH="{width}" BGCOLOR="#fef3c7">{text}</TD>{message * 3}</TR></TABLE>>'
    )
