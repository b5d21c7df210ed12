"""The drawing in Mermaid, which many wikis and code hosts show."""

import json
import re
from typing import Final

from laban_mapper.diagrams.drawing import Arrow, Drawing, simplify
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.identifiers import identifiers, node_identifiers
from laban_mapper.diagrams.namespaces import homes
from laban_mapper.model import Node, NodeKind
from laban_mapper.story.forms.mermaid import to_mermaid as to_sequence

_SHAPES: Final[dict[NodeKind, tuple[str, str]]] = {
    "service": ("(", ")"),
    "topic": ("[[", "]]"),
    "group": ("{{", "}}"),
    "database": ("[(", ")]"),
    "external": ("[", "]"),
    "entry": ("([", "])"),
    "unseen": ("([", "])"),
    "other": ("[/", "/]"),
}
_ENTITIES: Final = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;"}
_SPECIAL: Final = re.compile('[#&"<>`]|%%+')
"""What could end a label, begin Markdown, an entity or HTML, or give Mermaid a directive (`%%{…}%%`)."""
_CLASSES: Final[dict[NodeKind, str]] = {
    "service": "fill:#dbeafe,stroke:#1d4ed8,color:#1f2937",
    "topic": "fill:#fef3c7,stroke:#b45309,color:#1f2937",
    "group": "fill:#fef2f2,stroke:#dc2626,stroke-dasharray:4,color:#1f2937",
    "database": "fill:#dcfce7,stroke:#15803d,color:#1f2937",
    "external": "fill:#f1f5f9,stroke:#64748b,stroke-dasharray:4,color:#1f2937",
    "entry": "fill:#f1f5f9,stroke:#64748b,color:#1f2937",
    "unseen": "fill:#f1f5f9,stroke:#64748b,stroke-dasharray:4,color:#1f2937",
    "other": "fill:#e5e7eb,stroke:#6b7280,color:#1f2937",
}


def write(graph: Graph) -> bytes:
    """A flowchart, or the sequence diagram of the order of a graph; the same graph gives the same bytes."""
    return (to_sequence(graph.story) if graph.story else to_flowchart(graph)).encode()


def to_flowchart(graph: Graph) -> str:
    """A flowchart whose identifiers stay when other nodes come and go."""
    drawing = simplify(graph)
    names = node_identifiers(node.id for node in drawing.nodes)
    lines = [*_front_matter(graph), "flowchart LR"]
    home = homes(drawing.nodes, drawing.pairs()) if graph.view.by_namespace else {}
    rooms = sorted(set(home.values()))
    ids = identifiers({room: f"namespace-{room}" for room in rooms})
    for room in rooms:
        inside = [node for node in drawing.nodes if home.get(node.id) == room]
        lines.append(f'    subgraph {ids[room]}["{_quoted(room)}"]')
        lines += [f"    {_node(node, drawing, names)}" for node in inside]
        lines.append("    end")
    lines += [_node(node, drawing, names) for node in drawing.nodes if node.id not in home]
    lines += [_arrow(arrow, names) for arrow in drawing.arrows]
    failing = [str(number) for number, arrow in enumerate(drawing.arrows) if arrow.failing]
    if failing:
        lines.append(f"    linkStyle {','.join(failing)} stroke:#dc2626,color:#dc2626")
    return "\n".join([*lines, *_classes(drawing)]) + "\n"


def _front_matter(graph: Graph) -> list[str]:
    """The title, which is YAML: JSON without anything that Mermaid takes for markup."""
    if not graph.title:
        return []
    told = [graph.heading(), graph.legend(), *([graph.note] if graph.note else [])]
    return ["---", f"title: {json.dumps(' · '.join(told), ensure_ascii=False)}", "---"]


def _node(node: Node, drawing: Drawing, names: dict[str, str]) -> str:
    left, right = _SHAPES[node.kind]
    label = "<br/>".join(_quoted(text) for text in (node.name, drawing.marks.get(node.id)) if text)
    return f'    {names[node.id]}{left}"{label}"{right}:::{node.kind}'


def _classes(drawing: Drawing) -> list[str]:
    """The colors of the kinds that occur."""
    kinds = {node.kind for node in drawing.nodes}
    return [f"    classDef {kind} {style}" for kind, style in _CLASSES.items() if kind in kinds]


def _arrow(arrow: Arrow, names: dict[str, str]) -> str:
    line = "-.->" if arrow.dashed else "-->"
    label = "<br/>".join(_quoted(text) for text in arrow.lines)
    text = f'|"{label}"|' if label else ""
    return f"    {names[arrow.source]} {line}{text} {names[arrow.target]}"


def _quoted(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"#{ord(found[0][0])};" * len(found[0])), text)
