"""The drawing as SVG, in colors that may follow the page or the reader's preference."""

import re
from typing import Final

from laban_mapper.diagrams.dot import to_dot
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.rendering import draw
from laban_mapper.diagrams.themes import DARK, LIGHT, pairs

_OPENING: Final = re.compile(rb"<svg\b[^>]*>")
_FROM_GRAPHVIZ: Final = b"<title>laban</title>"
_FAILING_TEXT: Final = re.compile(rb'(<text\b[^>]*\bfont-size="10.00" fill=)"%s"' % LIGHT.failing.encode())
"""Labels, and not the arrow in the legend, which is a text, too."""
_SEEN_ON_BOTH: Final = {LIGHT.sync: "#3b82f6", LIGHT.messages: "#9061f9", LIGHT.failing: "#e5484d"}
"""Colors of arrows with a contrast of more than 3 to 1 on white and on dark grey."""


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
    """Text in the color of the page, on no background; nodes are tinted, and arrows show on light and dark.

    Attributes of Graphviz are in double quotes, which no text of a node contains unescaped.
    """
    for color in (LIGHT.ink, LIGHT.faint, LIGHT.frame):
        drawn = drawn.replace(_quoted(color), b'"currentColor"')
    drawn = _FAILING_TEXT.sub(rb'\1"currentColor"', drawn)
    for color, seen in _SEEN_ON_BOTH.items():
        drawn = drawn.replace(_quoted(color), _quoted(seen))
    for attribute in (b"fill", b"stroke"):
        drawn = drawn.replace(b"%s=%s" % (attribute, _quoted(LIGHT.paper)), b'%s="none"' % attribute)
    tints = "".join(
        f'[fill="{fill}"]{{fill:{LIGHT.lines[kind]};fill-opacity:.16}}' for kind, fill in LIGHT.fills.items()
    )
    return _styled(drawn, tints)


def _quoted(color: str) -> bytes:
    return b'"%s"' % color.encode()


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
