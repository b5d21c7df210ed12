"""Log records for the terminal: one line each, at their step."""

from collections.abc import Sequence
from typing import Final, TypeVar

from rich.style import Style

from laban_mapper.model import LogEntry
from laban_mapper.names import shortened
from laban_mapper.printable import printable

AT_A_STEP: Final = 20
"""Records shown at one line; the worst of more."""
ABSENT: Final = "No logs of these traces are stored. LABAN_LOGS=true makes a collector store them."

_BODY: Final = 300
"""Characters of a record."""
_SEVERITY: Final = 12
_STYLES: Final = {
    "fatal": Style(bold=True, color="red"),
    "error": Style(color="red"),
    "warn": Style(color="yellow"),
    "info": Style(),
}
_DIM: Final = Style(dim=True)
T = TypeVar("T", bound=LogEntry)
_WORST_FIRST: Final = ("fatal", "error", "warn", "info", "debug", "trace", "unspecified")


def text_of(entry: LogEntry) -> str:
    """Return a record as one line: its severity, and its body or what else it says."""
    named = ", ".join(f"{key}={value}" for key, value in entry.attributes.items())
    body = shortened(printable(entry.body or entry.event_name or named or "(empty)"), _BODY)
    severity = entry.severity_text or ("" if entry.severity == "unspecified" else entry.severity)
    return f"{shortened(printable(severity), _SEVERITY).upper()}  {body}".strip()


def style_of(entry: LogEntry) -> Style:
    """Return the style of a record."""
    return _STYLES.get(entry.severity, _DIM)


def most_telling(entries: Sequence[T], most: int = AT_A_STEP) -> list[T]:
    """Return the records to show, in their order; of too many, the worst."""
    if len(entries) <= most:
        return list(entries)
    by_need = sorted(range(len(entries)), key=lambda index: _WORST_FIRST.index(entries[index].severity))
    return [entries[index] for index in sorted(by_need[:most])]
