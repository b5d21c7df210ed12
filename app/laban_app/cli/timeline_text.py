"""The timeline of a story for the terminal: a row for each line, wait and error."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.style import Style

from laban_app.cli.fixed_columns import DIM, PLAIN, Cell, Column, FixedColumns
from laban_app.cli.log_lines import AT_A_STEP, style_of, text_of
from laban_mapper.model import Step, Story, StoryLog
from laban_mapper.printable import printable
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import rows, stood_for
from laban_mapper.story.logs import worst
from laban_mapper.story.timeline import Line, since_start

_MAX_LINES: Final = 300
"""Beyond them, only lines with another error are shown."""
_MAX_LOGS: Final = 200
"""Log records of a story."""
_COLUMNS: Final = (
    Column("when", right=True),
    Column("what", folded=True),
    Column("took", right=True),
    Column("critical", right=True),
)
_BOLD: Final = Style(bold=True)
_SERVICE: Final = Style(bold=True, color="cyan")
_FAILED: Final = Style(bold=True, color="red")
_ERROR: Final = Style(color="red")
_WAIT: Final = Style(color="magenta")
_ODD: Final = Style(color="yellow")

Row = tuple[Cell, Cell, Cell, Cell]


def show_timeline(story: Story, console: Console, *, all_spans: bool = False) -> None:
    """Print the timeline of a story.

    Args:
        story: the story.
        console: the console to print to.
        all_spans: whether every span has a line of its own.
    """
    # A quarter of the width is for the indentation, at two columns a level.
    deepest = max(4, console.width // 8)
    found = list(_rows(story, deepest, all_spans=all_spans))
    console.print(FixedColumns(_COLUMNS, found), crop=False)


def _rows(story: Story, deepest: int, *, all_spans: bool) -> Iterator[Row]:
    logs = _LogRows(story)
    shown = rows(story, len(story.steps) if all_spans else _MAX_LINES, fold=not all_spans)
    skewed = set(story.clock_skew_ms)
    for chapter in shown.chapters:
        if chapter.wait is not None:
            yield _text(f"┄ {phrases.wait(chapter.wait)}", _WAIT)
        for line in chapter.lines:
            service = line.step.service
            yield _line(story, line, deepest, is_corrected=service in skewed)
            skewed.discard(service)
            indent = "  " * (min(line.depth, deepest) + 1)
            if line.step.error:
                yield _text(f"{indent}✗ {printable(line.step.error)}", _ERROR)
            for note in phrases.notes(line):
                yield _text(f"{indent}↻ {note}", _ODD)
            yield from logs.at(line, indent)
    yield from logs.others()
    if shown.hidden:
        yield _text(f"… and {phrases.count(shown.hidden, 'more step')}: see --json, or --all", DIM)


class _LogRows:
    """The log records of a story as rows below the lines of their steps.

    Args:
        story: with its logs.
    """

    def __init__(self, story: Story) -> None:
        self._at: defaultdict[tuple[str, str], list[StoryLog]] = defaultdict(list)
        self._room = _MAX_LOGS
        self._left = len(story.logs)
        for log in story.logs:
            self._at[log.trace_id, log.span_id or ""].append(log)

    def at(self, line: Line, indent: str) -> Iterator[Row]:
        """Yield the rows of the steps that a line stands for."""
        if not self._at:
            return
        found = [log for step in stood_for(line) for log in self._at.pop((step.trace_id, step.span_id), ())]
        yield from self._shown(sorted(found, key=lambda log: log.start_ms), indent)

    def others(self) -> Iterator[Row]:
        """Yield the rows of the traces' records that name no span, and say how many are not shown."""
        if not self._left:
            return
        named = [log for (_, span_id), logs in self._at.items() if not span_id for log in logs]
        yield from self._shown(sorted(named, key=lambda log: log.start_ms), "")
        if self._left:
            yield _text(f"… and {phrases.count(self._left, 'more log record')}: see --json", DIM)

    def _shown(self, found: list[StoryLog], indent: str) -> Iterator[Row]:
        shown = worst(found, min(AT_A_STEP, self._room))
        self._room -= len(shown)
        self._left -= len(shown)
        for log in shown:
            what: Cell = ((f"{indent}▪ ", DIM), (text_of(log), style_of(log)))
            yield (((phrases.when(max(log.start_ms, 0.0)), DIM),), what, (), ())


def _line(story: Story, line: Line, deepest: int, *, is_corrected: bool) -> Row:
    step = line.step
    indent = "  " * min(line.depth, deepest)
    correction = phrases.corrected(story, step.service) if is_corrected else ""
    details = "  ".join(part for part in (phrases.details(line), correction) if part)
    what = (
        (f"{indent}⋯{line.depth} " if line.depth > deepest else indent, DIM),
        (phrases.name(step.service), _FAILED if step.status == "error" else _SERVICE),
        (f"  {phrases.operation(step)}", PLAIN),
        (f"  {details}" if details else "", _details_style(step)),
    )
    critical = phrases.critical(line)
    return (
        ((phrases.when(since_start(story, step)), PLAIN),),
        what,
        ((phrases.took(line), DIM),),
        ((critical, _BOLD),) if critical else (),
    )


def _details_style(step: Step) -> Style:
    return _ODD if step.odd_time else DIM


def _text(text: str, style: Style) -> Row:
    return ((), ((text, style),), (), ())
