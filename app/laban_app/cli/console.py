"""The consoles that commands print to: whatever they print, it commands no terminal."""

import io
import sys
from collections.abc import Callable, Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from laban_mapper.printable import printable

_PIPED_WIDTH: Final = 200
"""Columns of output that goes to a file or a pipe: nothing is cut, and few lines are wrapped."""


def open_console(*, stderr: bool) -> Console:
    """A console for standard output or standard error: coloured on a terminal, plain in a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return SafeConsole(
        stderr=stderr, highlight=False, soft_wrap=False, width=width, emoji=False, markup=False
    )


def plain_text(show: Callable[[Console], None]) -> str:
    """What a function prints to a console, as text for a file."""
    sink = io.StringIO()
    show(SafeConsole(file=sink, highlight=False, width=_PIPED_WIDTH, emoji=False, markup=False))
    return sink.getvalue()


class SafeConsole(Console):
    """A console that prints no control characters except its own, whatever the text contains."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, with their texts made printable; lines stay lines."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                text = "\n".join(map(printable, segment.text.split("\n")))
                yield Segment(text, segment.style)
