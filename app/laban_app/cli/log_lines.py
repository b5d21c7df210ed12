"""Log records for the terminal: one line each, at their step."""

from typing import Final

from rich.style import Style

from laban_mapper.model import LogEntry
from laban_mapper.story.logs import level, said

AT_A_STEP: Final = 20
"""Records shown at one line; the worst of more."""
ABSENT: Final = "No logs of these traces are stored. LABAN_LOGS=true makes a collector store them."

_WIDTH: Final = 300
"""Characters of a record."""
_STYLES: Final = {
    "fatal": Style(bold=True, color="red"),
    "error": Style(color="red"),
    "warn": Style(color="yellow"),
    "info": Style(),
}
_DIM: Final = Style(dim=True)


def text_of(entry: LogEntry) -> str:
    """Return a record as one line: its severity, and its body or what else it says."""
    return f"{level(entry)}  {said(entry, _WIDTH)}".strip()


def style_of(entry: LogEntry) -> Style:
    """Return the style of a record."""
    return _STYLES.get(entry.severity, _DIM)
