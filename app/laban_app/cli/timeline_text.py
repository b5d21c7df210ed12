"""The timeline of a story for the terminal: fixed columns, so that 10,000 lines are quick to print."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from laban_mapper.model import Step, Story
from laban_mapper.printable import printable
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import rows
from laban_mapper.story.timeline import Line, since_start

_MAX_LINES: Final = 300
"""Beyond them, only lines with another error are shown."""
_GAP: Final = "  "
_LEAST_WIDTH: Final = 20
"""Columns of the middle, on however narrow a terminal."""

_PLAIN: Final = Style.null()
_DIM: Final = Style(dim=True)
_BOLD: Final = Style(bold=True)
_SERVICE: Final = Style(bold=True, color="cyan")
_FAILED: Final = Style(bold=True, color="red")
_ERROR: Final = Style(color="red")
_WAIT: Final = Style(color="magenta")
_ODD: Final = Style(color="yellow")

Part = tuple[str, Style]


class _Row(NamedTuple):
    when: str
    what: tuple[Part, ...]
    took: str = ""
    critical: str = ""


class Timeline:
    """Prints the timeline of a story.

    Args:
        story: the story.
        all_spans: whether every span has a line of its own.
    """

    def __init__(self, story: Story, *, all_spans: bool = False) -> None:
        self._story = story
        self._all = all_spans
        self._skewed: set[str] = set()

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of all lines."""
        self._skewed = set(self._story.clock_skew_ms)
        head = _Row("when", (("what", _DIM),), "took", "critical")
        found = [head, *self._rows(max(4, options.max_width // 8))]
        when, took, critical = (max(len(row[at]) for row in found) for at in (0, 2, 3))
        if not any(row.critical for row in found[1:]):
            critical = 0
        fixed = when + took + critical + len(_GAP) * (3 if critical else 2)
        natural = max(cell_len("".join(text for text, _ in row.what)) for row in found)
        width = min(natural, max(_LEAST_WIDTH, options.max_width - fixed))
        for row in found:
            yield from _line(row, when, width, took, critical, is_head=row is head)

    def _rows(self, deepest: int) -> Iterator[_Row]:
        story = self._story
        shown = rows(story, len(story.steps) if self._all else _MAX_LINES, fold=not self._all)
        for chapter in shown.chapters:
            if chapter.wait is not None:
                yield _Row("", ((f"┄ {phrases.wait(chapter.wait)}", _WAIT),))
            for line in chapter.lines:
                yield from self._of_line(line, deepest)
        if shown.hidden:
            rest = f"… and {phrases.count(shown.hidden, 'more step')}: see --json, or --all"
            yield _Row("", ((rest, _DIM),))

    def _of_line(self, line: Line, deepest: int) -> Iterator[_Row]:
        step = line.step
        indent = "  " * min(line.depth, deepest)
        details = "  ".join(part for part in (phrases.details(line), self._correction(step)) if part)
        what: tuple[Part, ...] = (
            (f"{indent}⋯{line.depth} " if line.depth > deepest else indent, _DIM),
            (phrases.name(step.service), _FAILED if step.status == "error" else _SERVICE),
            (f"  {phrases.operation(step)}", _PLAIN),
            (f"  {details}" if details else "", _ODD if step.odd_time else _DIM),
        )
        when = phrases.when(since_start(self._story, step))
        yield _Row(when, what, phrases.took(line), phrases.critical(line))
        if step.error:
            yield _Row("", ((f"{indent}  ✗ {printable(step.error)}", _ERROR),))

    def _correction(self, step: Step) -> str:
        """By how much the clock of a service was corrected, on the first line of the service."""
        if step.service not in self._skewed:
            return ""
        self._skewed.discard(step.service)
        return phrases.corrected(self._story, step.service)


def _line(row: _Row, when: int, width: int, took: int, critical: int, *, is_head: bool) -> Iterator[Segment]:
    """The segments of a row: its middle on as many lines as it needs, the figures on the first."""
    lines = _folded(row.what, width)
    style = _DIM if is_head else _PLAIN
    yield Segment(f"{row.when:>{when}}{_GAP}", style)
    for number, parts in enumerate(lines):
        if number:
            yield Segment(" " * (when + len(_GAP)), _PLAIN)
        yield from (Segment(text, style) for text, style in parts if text)
        if number == 0 and row.took:
            used = sum(cell_len(text) for text, _ in parts)
            yield Segment(f"{'':{width - used}}{_GAP}{row.took:>{took}}", _DIM)
            if critical:
                yield Segment(f"{_GAP}{row.critical:>{critical}}", _DIM if is_head else _BOLD)
        yield Segment("\n")


def _folded(parts: tuple[Part, ...], width: int) -> list[list[Part]]:
    """Parts on lines of a width, broken at spaces where there are any."""
    if sum(cell_len(text) for text, _ in parts) <= width:
        return [list(parts)]
    lines: list[list[Part]] = [[]]
    room = width
    for text, style in parts:
        for word in _words(text):
            size = cell_len(word)
            if size > room and room < width and cell_len(word.rstrip()) > room:
                lines.append([])
                room = width
            for piece in chop_cells(word, width) if size > width else [word]:
                size = cell_len(piece)
                if size > room and lines[-1] and cell_len(piece.rstrip()) > room:
                    lines.append([])
                    room = width
                lines[-1].append((piece[:room] if size > room else piece, style))
                room = max(0, room - size)
    return lines


def _words(text: str) -> Iterator[str]:
    """The words of a text, each with the spaces after it; spaces at the start are a word."""
    start = 0
    for at in range(1, len(text)):
        if text[at - 1] == " " and text[at] != " ":
            yield text[start:at]
            start = at
    if start < len(text):
        yield text[start:]
