"""The title and the legend of a picture, as a table in DOT's own HTML."""

from typing import Final

from laban_mapper.diagrams.drawing import MANY_ERRORS, Drawing
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.text_size import text_width
from laban_mapper.diagrams.themes import Palette
from laban_mapper.diagrams.wrapping import wrapped
from laban_mapper.model import NodeKind

_LEGEND_SIZE: Final = 11
_NOTE_WIDTH: Final = 100
_FAILING: Final = f"{MANY_ERRORS:.0%} or more fail, or falls behind"
_GAP: Final = "\u00a0\u00a0"
_KINDS: Final[dict[NodeKind, str]] = {
    "service": "service",
    "topic": "topic",
    "group": "group without a known service",
    "database": "database",
    "external": "sends no spans",
    "entry": "from outside",
    "unseen": "caller not seen",
    "other": "stands for several",
}
"""What the legend calls the kinds of nodes."""


def heading(graph: Graph, drawing: Drawing, colors: Palette) -> str:
    """The title, the legend, and what is left out, as a table above the drawing."""
    note = wrapped(graph.note, _NOTE_WIDTH, 4) if graph.note else []
    rows = [
        f'<FONT POINT-SIZE="18" COLOR="{colors.ink}"><B>{html_text(graph.heading())}</B></FONT>',
        *(_small(line, colors.faint) for line in [graph.legend(), *note]),
        *_key(drawing, colors),
    ]
    cells = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{cells}</TABLE>>'


def _small(text: str, color: str) -> str:
    return f'<FONT POINT-SIZE="{_LEGEND_SIZE}" COLOR="{color}">{html_text(text)}</FONT>'


def _key(drawing: Drawing, colors: Palette) -> list[str]:
    """Rows that tell what the colors of nodes and arrows mean; only those that occur."""
    kinds = {node.kind for node in drawing.nodes}
    boxes = [
        _key_cell(_box(colors.fills[kind], colors.lines[kind]), text, colors)
        for kind, text in _KINDS.items()
        if kind in kinds
    ]
    arrows = [
        f"{_small(sample, color)}{_small(f'{_GAP}{text}', colors.faint)}"
        for sample, color, text, occurs in (
            ("──►", colors.sync, "call", any(not one.dashed and not one.failing for one in drawing.arrows)),
            (
                "- - ►",
                colors.messages,
                "message",
                any(one.dashed and not one.failing for one in drawing.arrows),
            ),
            ("──►", colors.failing, _FAILING, any(one.failing for one in drawing.arrows)),
        )
        if occurs
    ]
    table = (
        '<TABLE ALIGN="LEFT" BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1" '
        'FIXEDSIZE="TRUE" WIDTH="9" HEIGHT="18">'
    )
    return [f"{table}<TR>{''.join(boxes)}</TR></TABLE>", ("&#160;" * 4).join(arrows)]


def _box(fill: str, line: str) -> str:
    return (
        '<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="0"><TR>'
        f'<TD WIDTH="16" HEIGHT="11" FIXEDSIZE="TRUE" COLOR="{line}" BGCOLOR="{fill}"></TD></TR></TABLE>'
    )


def _key_cell(sample: str, text: str, colors: Palette) -> str:
    width = round(text_width(text, _LEGEND_SIZE)) + 14
    return f'<TD>{sample}</TD><TD ALIGN="LEFT" WIDTH="{width}">{_small(text, colors.faint)}</TD>'


def html_text(text: str) -> str:
    """A text in DOT's HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
