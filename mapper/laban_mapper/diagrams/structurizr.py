"""The drawing as a workspace in Structurizr's DSL: model, container views, and one order as a dynamic view.

https://docs.structurizr.com/dsl/language. Namespaces are software systems, services are their containers.
"""

import re
from collections.abc import Iterator
from typing import Final

from laban_mapper.diagrams.drawing import Drawing, simplify
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.identifiers import identifiers, node_identifiers
from laban_mapper.diagrams.namespaces import homes
from laban_mapper.diagrams.sequence import interactions
from laban_mapper.model import Node, NodeKind
from laban_mapper.names import counted
from laban_mapper.printable import printable

_TAGS: Final[dict[NodeKind, str]] = {
    "service": "Service",
    "topic": "Topic",
    "group": "Consumer group",
    "database": "Database",
    "external": "External",
    "entry": "Clients",
    "unseen": "Not seen",
    "other": "Several",
}
_CONTAINERS: Final = ("service", "topic", "group", "database")
_PEOPLE: Final = ("entry", "unseen")
_SYSTEM: Final = "Services"
"""The software system of everything without a namespace."""
_STYLES: Final = """\
        styles {
            element "Service" {
                shape roundedbox
                background #dbeafe
                color #1f2937
            }
            element "Topic" {
                shape pipe
                background #fef3c7
                color #1f2937
            }
            element "Consumer group" {
                shape hexagon
                background #fef2f2
                color #1f2937
            }
            element "Database" {
                shape cylinder
                background #dcfce7
                color #1f2937
            }
            element "External" {
                background #e2e8f0
                color #1f2937
            }
            relationship "Message" {
                style dashed
            }
            relationship "Call" {
                style solid
            }
        }"""
_UNSAFE: Final = re.compile(r'[\\"]|\$(?=\{)')
_OPERATOR: Final = re.compile(r"-.*>")
"""`->`, `-/>` and `--kind->` are operators of the DSL, also in quotes, but not before a space."""
_INSTEAD: Final = {'"': '\\"', "\\": "⧵", "$": "$ "}
"""The DSL replaces `${NAME}` by a variable of the reader's environment, and has no escape for a backslash."""


def write(graph: Graph) -> bytes:
    """The workspace; the same graph gives the same bytes."""
    drawing = simplify(graph)
    model = _Model(graph, drawing)
    about = " · ".join([graph.legend(), *([graph.note] if graph.note else [])])
    lines = [
        f'workspace "{_safe(graph.heading() or "laban")}" "{_safe(about)}" {{',
        "    model {",
        *(f"        {line}" for line in model.lines()),
        "    }",
        "    views {",
        *(f"        {line}" for line in model.views()),
        _STYLES,
        "    }",
        "}",
    ]
    return ("\n".join(lines) + "\n").encode()


class _Model:
    """The elements of a drawing with their identifiers."""

    def __init__(self, graph: Graph, drawing: Drawing) -> None:
        self._graph = graph
        self._drawing = drawing
        inside = [node for node in drawing.nodes if node.kind in _CONTAINERS]
        home = homes(drawing.nodes, drawing.pairs())
        self._rooms: dict[str, list[Node]] = {}
        for node in inside:
            self._rooms.setdefault(home.get(node.id, ""), []).append(node)
        self._names = node_identifiers(node.id for node in drawing.nodes)
        self._systems = identifiers({room: f"system-{room or 'services'}" for room in self._rooms})

    def lines(self) -> Iterator[str]:
        """The elements, then what they say to each other."""
        for node in self._drawing.nodes:
            if node.kind not in _CONTAINERS:
                kind = "person" if node.kind in _PEOPLE else "softwareSystem"
                yield f'{self._names[node.id]} = {kind} "{self._title(node)}" "" "{_TAGS[node.kind]}"'
        for room, nodes in sorted(self._rooms.items()):
            yield f'{self._systems[room]} = softwareSystem "{self._system(room)}" {{'
            for node in nodes:
                title, tag = self._title(node), _TAGS[node.kind]
                yield f'    {self._names[node.id]} = container "{title}" "" "{tag.lower()}" "{tag}"'
            yield "}"
        yield from self._relations()

    def _relations(self) -> Iterator[str]:
        """One line for each pair and text: Structurizr refuses a second one."""
        told: set[tuple[str, str, str]] = set()
        for arrow in self._drawing.arrows:
            text = _safe(", ".join(arrow.lines))
            yield from self._relation(
                (arrow.source, arrow.target, text), arrow.protocol, told, dashed=arrow.dashed
            )
        if self._graph.story is not None:
            pairs = {(arrow.source, arrow.target) for arrow in self._drawing.arrows}
            for one in interactions(self._graph.story).interactions:
                if (one.source, one.target) not in pairs and {one.source, one.target} <= self._names.keys():
                    pairs.add((one.source, one.target))
                    yield from self._relation((one.source, one.target, ""), "", told, dashed=one.asynchronous)

    def _relation(
        self, pair: tuple[str, str, str], protocol: str, told: set[tuple[str, str, str]], *, dashed: bool
    ) -> Iterator[str]:
        if pair in told:
            return
        told.add(pair)
        source, target, text = pair
        tag = "Message" if dashed else "Call"
        yield f'{self._names[source]} -> {self._names[target]} "{text}" "{_safe(protocol)}" "{tag}"'

    def views(self) -> Iterator[str]:
        """A container view of each software system, and the order."""
        if len(self._rooms) != 1:
            yield from _view('systemLandscape "landscape"')
        for room in sorted(self._rooms):
            yield from _view(f'container {self._systems[room]} "{self._systems[room]}"')
        if self._graph.story is not None and self._rooms:
            yield from self._dynamic()

    def _dynamic(self) -> Iterator[str]:
        story = self._graph.story
        if story is None:
            return
        told = interactions(story)
        shown = [one for one in told.interactions if {one.source, one.target} <= self._names.keys()]
        left_out = told.left_out + len(told.interactions) - len(shown)
        title = f"{story.key} {story.value}: {story.outcome}"
        if left_out:
            title += f" ({counted(left_out, 'more interaction')} not drawn)"
        yield f'dynamic {self._systems[min(self._rooms)]} "order" "{_safe(title)}" {{'
        for one in shown:
            yield f'    {self._names[one.source]} -> {self._names[one.target]} "{_safe(one.text)}"'
        yield "    autolayout lr"
        yield "}"

    def _system(self, room: str) -> str:
        name = room or _SYSTEM
        taken = {node.name for node in self._drawing.nodes if node.kind not in _CONTAINERS}
        return _safe(f"{name} (namespace)" if name in taken else name)

    def _title(self, node: Node) -> str:
        """The name of an element; Structurizr wants it to be the only one among its neighbors."""
        name = f"group {node.name}" if node.kind == "group" else node.name
        near = self._drawing.nodes
        same = [one for one in near if one.name == node.name and one.id != node.id]
        return _safe(f"{name} ({_TAGS[node.kind].lower()} {self._names[node.id]})" if same else name)


def _view(head: str) -> list[str]:
    return [f"{head} {{", "    include *", "    autolayout lr", "}"]


def _safe(text: str) -> str:
    """A text that the DSL reads as it is, but for backslashes and variables, which it cannot quote."""
    safe = _UNSAFE.sub(lambda found: _INSTEAD[found[0]], printable(text))
    return f"{safe}\u00a0" if _OPERATOR.fullmatch(safe) else safe
