"""The drawing as PNG."""

from typing import Final

from laban_mapper.diagrams.dot import write as dot
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.rendering import draw

_LARGE: Final = 100
"""Nodes beyond which a pixel is a point: a finer picture would take a gigabyte of memory."""


def write(graph: Graph) -> bytes:
    """PNG, as drawn by Graphviz; the same graph gives the same bytes.

    Raises:
        RenderFailed: Graphviz is not installed, or it failed.
    """
    return draw(dot(graph).decode(), "png", dpi="144" if len(graph.shown.nodes) <= _LARGE else "72")
