"""Names as pictures show them: printable, not too long, and broken into lines where a reader would."""

import re
from typing import Final

from laban_mapper.names import shortened
from laban_mapper.printable import printable

WIDTH: Final = 24
"""Characters of a line in a node."""
_MOST: Final = 3
_BLANK: Final = "(blank)"
_PIECE: Final = re.compile(r"[^-_./: ]*[-_./: ]+|[^-_./: ]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def shown_name(name: str) -> str:
    """A name in one line that is not too long; a word stands for a name of which nothing can be seen."""
    return shortened(printable(name)).strip() or _BLANK


def wrapped(text: str, width: int = WIDTH, most: int = _MOST) -> list[str]:
    """The text in at most `most` lines, broken after separators and humps; its middle may be left out."""
    text = shortened(text, width * most - width // 3)
    if len(text) <= width:
        return [text]
    lines, line = list[str](), ""
    for piece in _pieces(text, width):
        if line and len(line + piece.rstrip()) > width:
            lines.append(line.rstrip(" "))
            line = ""
        line += piece
    lines = [*lines, line.rstrip(" ")] if line.strip(" ") else lines
    return lines if len(lines) <= most else _cut(text, width)


def _pieces(text: str, width: int) -> list[str]:
    pieces = [part for found in _PIECE.findall(text) for part in _HUMP.split(found)]
    return [part for piece in pieces for part in _cut(piece, width)]


def _cut(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]
