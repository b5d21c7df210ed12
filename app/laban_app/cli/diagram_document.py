"""Keeps the diagram in a Markdown document true, or says that it is not."""

import difflib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import typer

from laban_app.cli import terminal
from laban_app.errors import (
    CollectorUnreachable,
    InputUnreadable,
    NothingToDraw,
    OutputFailed,
    RequestRefused,
)
from laban_mapper.diagrams.markdown_block import find_block, with_block
from laban_mapper.printable import printable

_DIFFERS: Final = 1


def require_markers(path: Path) -> None:
    """Raise BadMarkers or InputUnreadable if the document has no place for a diagram."""
    find_block(_read(path), str(path))


def check_document(path: Path, mermaid: str) -> None:
    """Exit 1, with the difference, unless the document has this diagram; raises BadMarkers."""
    document = _read(path)
    wanted = with_block(document, mermaid, str(path))
    if wanted == document:
        _say(f"{path} shows what runs.")
        return
    before, after = (text.decode(errors="replace").splitlines() for text in (document, wanted))
    for line in difflib.unified_diff(before, after, str(path), "what runs", lineterm="", n=1):
        typer.echo(printable(line))
    _say(f"{path} does not show what runs. Correct it: laban diagram --watch {path} --once")
    raise typer.Exit(_DIFFERS)


def watch_document(path: Path, drawn: Callable[[], str], every: float, *, once: bool) -> None:
    """Write the diagram into the document whenever it has changed, until interrupted.

    A time range without calls, and a collector that does not answer, leave the document as it is.

    Args:
        path: of the document.
        drawn: the diagram as it is now.
        every: seconds between two looks.
        once: whether to look only once, and to fail where a watch would go on.

    Raises:
        BadMarkers: the document does not have the two markers.
    """
    told = ""
    while True:
        try:
            told = _update(path, drawn(), told)
        except (CollectorUnreachable, NothingToDraw, RequestRefused) as error:
            if once:
                raise
            told = _tell(f"{error} {path} stays as it is.", told)
        if once:
            return
        time.sleep(every)


def _update(path: Path, mermaid: str, told: str) -> str:
    document = _read(path)
    wanted = with_block(document, mermaid, str(path))
    if wanted != document:
        _replace(path, wanted)
        return _tell(f"wrote {path}", "")
    return _tell(f"{path} shows what runs", told)


def _tell(text: str, told: str) -> str:
    """Print a sentence, unless it was the last one; return it."""
    if text != told:
        _say(text)
    return text


def _say(text: str) -> None:
    terminal.stderr().print(printable(text), highlight=False, markup=False, soft_wrap=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputUnreadable(f"Cannot read {path}: {error.strerror or error}") from error


def _replace(path: Path, content: bytes) -> None:
    """Replace the file at once, with its permissions; whoever reads it finds the old or the new one."""
    target = path.resolve()
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            new = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                new.chmod(stat.S_IMODE(target.stat().st_mode))
                new.replace(target)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise OutputFailed(f"Cannot write {path}: {error.strerror or error}") from error
