"""The drawing in PlantUML with the macros of C4, which PlantUML contains: no network is needed."""

import re
from typing import Final

from laban_mapper.diagrams.drawing import Arrow, Drawing, simplify
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.identifiers import identifiers, node_identifiers
from laban_mapper.diagrams.namespaces import homes
from laban_mapper.model import Node, NodeKind

_MACROS: Final[dict[NodeKind, str]] = {
    "service": "Container",
    "topic": "ContainerQueue",
    "group": "Container",
    "database": "ContainerDb",
    "external": "System_Ext",
    "entry": "Person",
    "unseen": "Person_Ext",
    "other": "System",
}
_TECHNOLOGIES: Final[dict[NodeKind, str]] = {
    "service": "service",
    "topic": "topic",
    "group": "consumer group",
    "database": "database",
}
_TAGS: Final = (
    'AddRelTag("message", $lineStyle=DashedLine())',
    'AddRelTag("failing", $textColor="#c81e1e", $lineColor="#c81e1e")',
)
_SPECIAL: Final = re.compile(r"[^\w .,:/()·–…-]|-(?=-)|_(?=_)|/(?=/)")
"""What PlantUML could take for a quote, markup, a variable, a function or an emoji."""

_BY_CODE: Final = "$\\<"
"""PlantUML crashes on the entities of `$` and `\\`, and reads `<U+0041>` after it has read entities."""


def write(graph: Graph) -> bytes:
    """PlantUML; the same graph gives the same bytes."""
    drawing = simplify(graph)
    names = node_identifiers(node.id for node in drawing.nodes)
    lines = [
        "@startuml",
        "!include <C4/C4_Container>",
        "!pragma layout smetana",
        "LAYOUT_LEFT_RIGHT()",
        *_TAGS,
    ]
    if graph.title:
        lines += [f"title {_quoted(graph.heading())}", f"caption {_quoted(_caption(graph))}"]
    lines += [*_nodes(graph, drawing, names), *(_arrow(arrow, names) for arrow in drawing.arrows)]
    return "\n".join([*lines, "@enduml", ""]).encode()


def _caption(graph: Graph) -> str:
    return " · ".join([graph.legend(), *([graph.note] if graph.note else [])])


def _nodes(graph: Graph, drawing: Drawing, names: dict[str, str]) -> list[str]:
    home = homes(drawing.nodes, drawing.pairs()) if graph.view.by_namespace else {}
    rooms = sorted(set(home.values()))
    ids = identifiers({room: f"namespace-{room}" for room in rooms})
    lines: list[str] = []
    for room in rooms:
        lines.append(f'System_Boundary({ids[room]}, "{_quoted(room)}") {{')
        lines += [f"  {_node(node, drawing, names)}" for node in drawing.nodes if home.get(node.id) == room]
        lines.append("}")
    return lines + [_node(node, drawing, names) for node in drawing.nodes if node.id not in home]


def _node(node: Node, drawing: Drawing, names: dict[str, str]) -> str:
    mark = drawing.marks.get(node.id)
    label = f"group {node.name}" if node.kind == "group" else node.name
    technology = _TECHNOLOGIES.get(node.kind)
    more = [technology, mark] if technology else [mark]
    texts = [f'"{_quoted(text)}"' for text in (label, *more) if text]
    return f"{_MACROS[node.kind]}({', '.join([names[node.id], *texts])})"


def _arrow(arrow: Arrow, names: dict[str, str]) -> str:
    label = _quoted(", ".join(arrow.lines))
    tags = [name for name, has in (("message", arrow.dashed), ("failing", arrow.failing)) if has]
    tagged = f', $tags="{"+".join(tags)}"' if tags else ""
    return f'Rel({names[arrow.source]}, {names[arrow.target]}, "{label}"{tagged})'


def _quoted(text: str) -> str:
    """A text that PlantUML shows as it is."""
    return _SPECIAL.sub(
        lambda found: f"<U+{ord(found[0]):04X}>" if found[0] in _BY_CODE else f"&#{ord(found[0])};", text
    )
