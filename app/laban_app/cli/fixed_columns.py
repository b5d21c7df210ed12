"""Tables of many rows for the terminal: fixed columns, so that 10,000 rows are quick to print.

rich.Table measures and wraps every cell as a renderable of its own, which takes about 0.3 ms a row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

PLAIN: Final = Style.null()
DIM: Final = Style(dim=True)
_GAP: Final = "  "
_LEAST_WIDTH: Final = 20
"""Columns of the cell that is folded, on however narrow a terminal."""

Part = tuple[str, Style]
Cell = Sequence[Part]


class Column(NamedTuple):
    """A column: its heading, whether it is aligned right, and whether it is the one that is folded."""

    heading: str
    right: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class FixedColumns:
    """Prints rows in columns; a column without any text is left out."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of all lines."""
        used = [at for at in range(len(self.columns)) if any(_size(row[at]) for row in self.rows)]
        columns = [self.columns[at] for at in used]
        heads: list[Cell] = [((column.heading, DIM),) for column in columns]
        rows = [heads, *([row[at] for at in used] for row in self.rows)]
        widths = [max(_size(row[at]) for row in rows) for at in range(len(columns))]
        fixed = sum(width for width, column in zip(widths, columns, strict=True) if not column.folded)
        room = max(_LEAST_WIDTH, options.max_width - fixed - len(_GAP) * (len(columns) - 1))
        widths = [
            min(width, room) if column.folded else width
            for width, column in zip(widths, columns, strict=True)
        ]
        for row in rows:
            yield from _row(row, columns, widths)


def _row(row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[Segment]:
    """The segments of a row: the folded cell on as many lines as it needs, the others on the first."""
    cells = [
        _folded(cell, width) if column.folded else [cell]
        for cell, column, width in zip(row, columns, widths, strict=True)
    ]
    for number in range(max(map(len, cells))):
        blank = 0
        for lines, column, width in zip(cells, columns, widths, strict=True):
            cell: Cell = lines[number] if number < len(lines) else ()
            pad = width - _size(cell)
            before, after = (pad, 0) if column.right else (0, pad)
            if cell:
                yield Segment(" " * (blank + before), PLAIN)
                yield from (Segment(text, style) for text, style in cell)
                blank = after + len(_GAP)
            else:
                blank += width + len(_GAP)
        yield Segment("\n")


def _size(cell: Cell) -> int:
    return sum(cell_len(text) for text, _ in cell)


def _folded(cell: Cell, width: int) -> list[Cell]:
    """A cell on lines of a width, broken at spaces where there are any."""
    if _size(cell) <= width:
        return [cell]
    lines: list[list[Part]] = [[]]
    room = width
    for text, style in cell:
        for word in _words(text):
            pieces = chop_cells(word, width) if cell_len(word) > width else [word]
            for piece in pieces:
                if cell_len(piece.rstrip()) > room and lines[-1]:
                    lines.append([])
                    room = width
                size = min(cell_len(piece), room)
                lines[-1].append((piece if cell_len(piece) <= room else set_cell_size(piece, room), style))
                room -= size
    return list(lines)


def _words(text: str) -> Iterator[str]:
    """The words of a text, each with the spaces after it; spaces at the start are a word."""
    start = 0
    for at in range(1, len(text)):
        if text[at - 1] == " " and text[at] != " ":
            yield text[start:at]
            start = at
    if start < len(text):
        yield text[start:]
