"""What a person sees in a terminal, and plain text where nobody looks."""

import sys
from typing import Final

from rich.console import Console

_PIPED_WIDTH: Final = 200
"""Columns where the output goes into a file or a pipe: nothing is cut, little is wrapped."""


def out() -> Console:
    """Standard output: coloured in a terminal, plain when piped."""
    return _console(stderr=False)


def err() -> Console:
    """Standard error, for everything that is not the answer."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(stderr=stderr, highlight=False, soft_wrap=False, width=width, emoji=False, markup=False)
