"""A cell of a table whose later lines are indented, so that none of them looks like a row of its own."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text


class Hanging:
    """A text after a mark such as an arrow; on a narrow terminal it wraps beside the mark.

    Args:
        mark: stands on the first line.
        text: what wraps.
        indent: the columns before its later lines, at least those of the mark.
    """

    def __init__(self, mark: Text, text: Text, indent: int | None = None) -> None:
        self._mark = mark
        self._text = text
        self._indent = mark.cell_len if indent is None else indent

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """The columns of the longest word and of the whole text."""
        least, most = Measurement.get(console, options, self._text)
        return Measurement(least + self._indent, most + self._mark.cell_len)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines."""
        mark = self._mark
        if mark.cell_len + self._text.cell_len <= options.max_width:
            yield mark + self._text
            return
        for line in self._text.wrap(console, max(options.max_width - self._indent, 1), overflow="fold"):
            line.rstrip()
            yield mark + line
            mark = Text(" " * self._indent)
