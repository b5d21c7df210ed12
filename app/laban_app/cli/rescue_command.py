"""The `laban rescue` command."""

import contextlib
import json as json_module
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Annotated

import typer

from laban_app.answers.discovery import collector_of
from laban_app.answers.remote_writer import RemoteWriter
from laban_app.cli import terminal
from laban_app.wiring import STORE
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import StoreLocked, StoreNotFound
from laban_collector.settings import load_settings
from laban_collector.store.base import SpanWriter
from laban_collector.store.damage import Rescued
from laban_collector.store.private_files import keep_new_files_private
from laban_mapper.printable import printable

_SOMETHING_LOST = 1


def rescue(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Damaged database file, with its log next to it.")
    ],
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="FILE",
            help="New database file, or an existing one: then the spans that it lacks are added, by its "
            "collector if one has it open. [default: FILE.rescued]",
        ),
    ] = None,
    token: terminal.Token = None,
    json: terminal.Json = False,
) -> None:
    """Copy everything readable of a damaged database.

    The damaged file is only read. The answer says how many spans are lost, and of which commits. A collector
    does the same by itself when it finds damage. Exits 1 if anything is lost.
    """
    if not file.is_file():
        raise StoreNotFound(f"{file}: no such file.")
    keep_new_files_private()
    target = into or file.with_name(f"{file.name}.rescued")
    if target.exists():
        result, stored = _into_existing(file, target, token)
    else:
        result = STORE.rescue_file(file, target)
        stored = result.spans
    if json:
        terminal.print_json_text(json_module.dumps(_as_json(file, target, result, stored), indent=2))
    else:
        terminal.stdout().print(
            printable(_in_words(file, target, result, stored)), highlight=False, soft_wrap=True
        )
    if result.losses.any:
        raise typer.Exit(_SOMETHING_LOST)


def _into_existing(file: Path, target: Path, token: str | None) -> tuple[Rescued, int]:
    """Add what a database lacks; return the result, and the number of spans that were new."""
    stored = 0
    with (
        tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=f"{target.name}.rescue-") as folder,
        _writer(target, token) as writer,
    ):
        staged = Path(folder) / "rescued.duckdb"
        result = STORE.rescue_file(file, staged)

        def write(batch: SpanBatch) -> None:
            nonlocal stored
            stored += writer.write(batch).spans

        STORE.read_batches(staged, write)
    return result, stored


@contextlib.contextmanager
def _writer(target: Path, token: str | None) -> Generator[SpanWriter, None, None]:
    """The database, or the collector that has it open."""
    settings = load_settings(db=target, token=token)
    try:
        store = STORE.open(target)
    except StoreLocked:
        owner = collector_of(target, settings)
        if owner is None:
            raise
        with owner:
            yield RemoteWriter(owner)
        return
    with store:
        yield store.writer()


def _in_words(file: Path, target: Path, result: Rescued, stored: int) -> str:
    known = result.spans - stored
    duplicates = f" ({terminal.count(known, 'span')} were stored already)" if known else ""
    return (
        f"Copied {terminal.count(result.spans, 'span')} from {file} to {target}{duplicates}: "
        f"{result.losses.in_words()}."
    )


def _as_json(file: Path, target: Path, result: Rescued, stored: int) -> dict[str, object]:
    losses = result.losses
    return {
        "file": str(file),
        "into": str(target),
        "spans": result.spans,
        "stored": stored,
        "lost": losses.spans,
        "exact": losses.exact,
        "commits": [one.model_dump() for one in losses.commits],
        "commits_left_out": losses.ranges_left_out,
        "incomplete": losses.incomplete,
        "columns": list(losses.columns),
        "rows": losses.rows,
    }
