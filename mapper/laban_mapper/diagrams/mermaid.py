"""The drawing in Mermaid, which many wikis and code hosts show."""

import json
import re
from typing import Final

from laban_mapper.diagrams.drawing import Arrow, Drawing
from laban_mapper.lag import lag_mark
from laban_mapper.model import NodeKind

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
_CLASSES: Final = """\
    classDef service fill:#dbeafe,stroke:#1d4ed8,color:#1f2937
    classDef topic fill:#fef3c7,stroke:#b45309,color:#1f2937
    classDef group fill:#fef2f2,stroke:#dc2626,stroke-dasharray:4,color:#1f2937
    classDef database fill:#dcfce7,stroke:#15803d,color:#1f2937
    classDef external fill:#f1f5f9,stroke:#64748b,stroke-dasharray:4,color:#1f2937
    classDef entry fill:#f1f5f9,stroke:#64748b,color:#1f2937
    classDef unseen fill:#f1f5f9,stroke:#64748b,stroke-dasharray:4,color:#1f2937
    classDef other fill:#e5e7eb,stroke:#6b7280,color:#1f2937"""


def to_mermaid(drawing: Drawing, note: str | None = None) -> str:
    """A Mermaid flowchart with a note as its title; the same drawing gives the same text."""
    names = {node.id: f"n{number}" for number, node in enumerate(drawing.nodes)}
    title = [] if note is None else ["---", f"title: {json.dumps(note)}", "---"]
    lines = [*title, "flowchart LR"]
    for node in drawing.nodes:
        left, right = _SHAPES[node.kind]
        label = "<br/>".join(_quoted(text) for text in (node.name, lag_mark(node)) if text)
        lines.append(f'    {names[node.id]}{left}"{label}"{right}:::{node.kind}')
    lines += [_arrow(arrow, names) for arrow in drawing.arrows]
    failing = [str(number) for number, arrow in enumerate(drawing.arrows) if arrow.failing]
    if failing:
        lines.append(f"    linkStyle {','.join(failing)} stroke:#dc2626,color:#dc2626")
    return "\n".join([*lines, _CLASSES]) + "\n"


def _arrow(arrow: Arrow, names: dict[str, str]) -> str:
    line = "-.->" if arrow.dashed else "-->"
    label = "<br/>".join(_quoted(text) for text in arrow.lines)
    return f'    {names[arrow.source]} {line}|"{label}"| {names[arrow.target]}'


def _quoted(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"#{ord(found[0][0])};" * len(found[0])), text)
