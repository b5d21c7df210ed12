"""The formats of diagrams, one file each."""

from collections.abc import Callable
from typing import Final, NamedTuple

from laban_mapper.diagrams import (
    asyncapi,
    backstage,
    dot,
    graph_json,
    mermaid,
    plantuml,
    png,
    structurizr,
    svg,
)
from laban_mapper.diagrams.graph import Graph


class Format(NamedTuple):
    """A format of diagrams.

    Attributes:
        write: a graph as a file; the same graph gives the same bytes.
        suffix: of a file name.
        media_type: of the file.
        title: what it is, for a list.
        picture: whether Graphviz lays it out: large maps take long, and nobody can read them.
        draws: whether it draws nodes and arrows, so that labels, topics and namespaces are a choice.
    """

    write: Callable[[Graph], bytes]
    suffix: str
    media_type: str
    title: str
    picture: bool = False
    draws: bool = True


FORMATS: Final[dict[str, Format]] = {
    "svg": Format(svg.write, ".svg", "image/svg+xml", "Picture (SVG)", picture=True),
    "png": Format(png.write, ".png", "image/png", "Picture (PNG)", picture=True),
    "dot": Format(dot.write, ".dot", "text/vnd.graphviz", "Graphviz (DOT)"),
    "mermaid": Format(mermaid.write, ".mmd", "text/plain", "Mermaid"),
    "plantuml": Format(plantuml.write, ".puml", "text/plain", "PlantUML (C4)"),
    "structurizr": Format(structurizr.write, ".dsl", "text/plain", "Structurizr DSL (C4)"),
    "asyncapi": Format(asyncapi.write, ".asyncapi.yaml", "application/yaml", "AsyncAPI 3.0", draws=False),
    "backstage": Format(backstage.write, ".yaml", "application/yaml", "Backstage catalog", draws=False),
    "json": Format(graph_json.write, ".json", "application/json", "JSON", draws=False),
}
