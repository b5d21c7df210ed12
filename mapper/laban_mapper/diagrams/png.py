"""The drawing as PNG."""

from laban_mapper.diagrams.dot import write as dot
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.rendering import draw


def write(graph: Graph) -> bytes:
    """PNG, as drawn by Graphviz; the same graph gives the same bytes.

    Raises:
        RenderFailed: Graphviz is not installed, or it failed.
    """
    return draw(dot(graph).decode(), "png")
