"""The drawing in DOT, the language of Graphviz.

The label of an arrow is a node of its own, in the middle of its arrow: Graphviz keeps nodes apart, and leads
arrows around them, so that no label lies on an arrow or on another label.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from graphviz import Digraph, escape, nohtml

from laban_mapper.diagrams.dot_heading import heading, html_text
from laban_mapper.diagrams.drawing import Arrow, Drawing, simplify
from laban_mapper.diagrams.flow import depths
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.identifiers import node_identifiers
from laban_mapper.diagrams.namespaces import homes
from laban_mapper.diagrams.text_size import text_width
from laban_mapper.diagrams.themes import DARK, LIGHT, Palette
from laban_mapper.diagrams.wrapping import wrapped
from laban_mapper.model import Node, NodeKind

_FONT: Final = "Helvetica,Arial,sans-serif"
_NAME_SIZE: Final = 13
_LABEL_SIZE: Final = 10
_POINTS: Final = 72
"""In an inch, the unit of Graphviz."""
_SHAPES: Final[dict[NodeKind, dict[str, str]]] = {
    "service": {"shape": "box", "style": "rounded,filled"},
    "group": {"shape": "box", "style": "dashed,filled"},
    "database": {"shape": "cylinder", "style": "filled"},
    "external": {"shape": "box", "style": "filled,dashed"},
    "entry": {"shape": "oval", "style": "filled"},
    "unseen": {"shape": "oval", "style": "filled,dashed"},
    "other": {"shape": "box3d", "style": "filled"},
    "topic": {"shape": "plain"},
}
_LABEL_WIDTH: Final = 30


def write(graph: Graph) -> bytes:
    """DOT source; the same graph gives the same bytes."""
    return to_dot(graph, DARK if graph.view.theme == "dark" else LIGHT).encode()


def to_dot(graph: Graph, colors: Palette) -> str:
    """DOT source in these colors."""
    drawing = simplify(graph)
    dot = _sheet(colors)
    if graph.title:
        dot.attr(label=heading(graph, drawing, colors), labelloc="t", labeljust="l")
    names = node_identifiers(node.id for node in drawing.nodes)
    home = homes(drawing.nodes, drawing.pairs()) if graph.view.by_namespace else {}
    rooms: defaultdict[str | None, Digraph] = defaultdict(Digraph)
    rooms[None] = dot
    entries = [node.id for node in drawing.nodes if node.kind == "entry"]
    depth = depths(names, drawing.pairs(), entries)
    order = {node: at for at, node in enumerate(depth)}
    for node in sorted(drawing.nodes, key=lambda one: order[one.id]):
        rooms[home.get(node.id)].node(names[node.id], **_node(node, drawing, colors))
    arrows = sorted(drawing.arrows, key=lambda one: (order[one.source], order[one.target]))
    for number, arrow in enumerate(arrows):
        near = {home.get(arrow.source), home.get(arrow.target)}
        room = rooms[near.pop() if len(near) == 1 else None]
        _draw(arrow, f"label{number}", _ends(arrow, names, depth), room, dot, colors)
    for number, namespace in enumerate(sorted(filter(None, rooms))):
        _frame(rooms[namespace], number, namespace, colors)
        dot.subgraph(rooms[namespace])
    return str(dot.source)


def _sheet(colors: Palette) -> Digraph:
    """An empty drawing, with what its nodes and arrows have in common."""
    dot = Digraph("laban")
    dot.attr(rankdir="LR", bgcolor=colors.paper, pad="0.3", nodesep="0.22", ranksep="0.32")
    dot.attr(fontname=_FONT, outputorder="edgesfirst")
    dot.attr("node", fontname=_FONT, fontsize=str(_NAME_SIZE), fontcolor=colors.ink)
    dot.attr("node", penwidth="1.2", margin="0.18,0.10")
    dot.attr("edge", fontname=_FONT, penwidth="1.3", arrowsize="0.7")
    return dot


def _frame(room: Digraph, number: int, namespace: str, colors: Palette) -> None:
    """Frame the nodes of a namespace; its name is a node, because the label of a frame may lie on arrows."""
    room.name = f"cluster{number}"
    room.attr(label="", style="rounded", color=colors.frame, margin="14")
    label = _label(wrapped(namespace))
    room.node(f"name{number}", label, shape="plain", fontsize="16", fontcolor=colors.faint)


def _node(node: Node, drawing: Drawing, colors: Palette) -> dict[str, str]:
    if node.kind == "topic":
        return {"label": _queue(node.name, colors), **_SHAPES["topic"]}
    lines = wrapped(node.name)
    if node.kind == "group":  # drawn only if its service is unknown
        mark = drawing.marks.get(node.id)
        lines = [*wrapped(f"group {node.name}"), "no span seen", *([mark] if mark else [])]
    style = {"fillcolor": colors.fills[node.kind], "color": colors.lines[node.kind]}
    width = _widest(lines, _NAME_SIZE) * (1.4 if _SHAPES[node.kind]["shape"] == "oval" else 1) + 22
    return {"label": _label(lines), **_SHAPES[node.kind], **style, "width": _inches(width)}


class _Ends(NamedTuple):
    """The ends of an arrow from left to right; a message that leads back begins on the right."""

    left: str
    right: str
    back: bool


def _ends(arrow: Arrow, names: Mapping[str, str], depth: Mapping[str, int]) -> _Ends:
    source, target = names[arrow.source], names[arrow.target]
    if arrow.dashed and depth[arrow.target] < depth[arrow.source]:
        return _Ends(target, source, back=True)
    return _Ends(source, target, back=False)


def _draw(arrow: Arrow, number: str, ends: _Ends, room: Digraph, dot: Digraph, colors: Palette) -> None:
    """Draw an arrow through its label; the label stands in `room`."""
    color = colors.failing if arrow.failing else colors.messages if arrow.dashed else colors.sync
    line = {"style": "dashed" if arrow.dashed else "solid", "color": color}
    head = {"dir": "back" if ends.back else "forward"}
    if not arrow.lines:
        dot.edge(ends.left, ends.right, **line, **head)
        return
    text = [part for one in arrow.lines for part in wrapped(one, _LABEL_WIDTH)]
    room.node(
        number,
        _label(text),
        shape="box",
        penwidth="0",
        margin="0.05,0.02",
        width=_inches(_widest(text, _LABEL_SIZE) + 6),
        height="0",
        fontsize=str(_LABEL_SIZE),
        fontcolor=colors.failing if arrow.failing else colors.faint,
    )
    dot.edge(ends.left, number, **line, **(head if ends.back else {"dir": "none"}))
    dot.edge(number, ends.right, **line, **({"dir": "none"} if ends.back else head))


def _label(lines: Iterable[str]) -> str:
    """A text that Graphviz shows as it is: it knows escapes, HTML and entities (`&#27;`).

    Lines are divided by an escape, so that no line of the file begins with text from a span.
    """
    label: str = nohtml("\\n".join(escape(line.replace("&", "&amp;")) for line in lines))
    return label


def _widest(lines: Iterable[str], size: float) -> float:
    return max(text_width(line, size) for line in lines)


def _inches(points: float) -> str:
    return f"{points / _POINTS:.2f}"


def _queue(name: str, colors: Palette) -> str:
    """The label of a topic: its name, then a row of messages."""
    lines = wrapped(name)
    width = round(_widest(lines, _NAME_SIZE)) + 14
    fill, line = colors.fills["topic"], colors.lines["topic"]
    message = f'<TD WIDTH="5" BGCOLOR="{colors.queued}"></TD>'
    text = "".join(f'{html_text(line)}<BR ALIGN="LEFT"/>' for line in lines)
    return (
        f'<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="6" COLOR="{line}">'
        f'<TR><TD ALIGN="LEFT" WIDTH="{width}" BGCOLOR="{fill}">{text}</TD>{message * 3}</TR>'
        "</TABLE>>"
    )
