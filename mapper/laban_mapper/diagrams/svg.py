"""The drawing as SVG, in colors that may follow the page or the reader's preference."""

import re
from typing import Final

from laban_mapper.diagrams.dot import to_dot
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.rendering import draw
from laban_mapper.diagrams.themes import DARK, LIGHT, pairs

_OPENING: Final = re.compile(rb"<svg\b[^>]*>")
_FROM_GRAPHVIZ: Final = b"<title>laban</title>"
_PAPER: Final = b'"%s"' % LIGHT.paper.encode()


def write(graph: Graph) -> bytes:
    """SVG, as laid out by Graphviz; the same graph gives the same bytes.

    Raises:
        RenderFailed: Graphviz is not installed, or it failed.
    """
    theme = graph.view.theme
    drawn = draw(to_dot(graph, DARK if theme == "dark" else LIGHT), "svg")
    drawn = drawn.replace(_FROM_GRAPHVIZ, f"<title>{_text(graph.heading() or 'laban')}</title>".encode(), 1)
    match theme:
        case "auto":
            return _styled(drawn, f"@media (prefers-color-scheme: dark) {{{_dark_rules()}}}")
        case "inherit":
            return _inheriting(drawn)
        case _:
            return drawn


def _dark_rules() -> str:
    """Each light color becomes its dark counterpart; a rule of a style is stronger than an attribute."""
    return "".join(
        f'[{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in pairs(LIGHT, DARK).items()
        for attribute in ("fill", "stroke")
    )


def _styled(drawn: bytes, rules: str) -> bytes:
    return _OPENING.sub(lambda found: found[0] + f"\n<style>{rules}</style>".encode(), drawn, count=1)


def _inheriting(drawn: bytes) -> bytes:
    """Text in the color of the page, on no background; nodes are only tinted.

    Attributes of Graphviz are in double quotes, which no text of a node contains unescaped.
    """
    for color in (LIGHT.ink, LIGHT.faint, LIGHT.frame):
        drawn = drawn.replace(b'"%s"' % color.encode(), b'"currentColor"')
    drawn = drawn.replace(b"fill=" + _PAPER, b'fill="none"').replace(b"stroke=" + _PAPER, b'stroke="none"')
    tints = "".join(
        f'[fill="{fill}"]{{fill:{LIGHT.lines[kind]};fill-opacity:.14}}' for kind, fill in LIGHT.fills.items()
    )
    return _styled(drawn, tints)


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
