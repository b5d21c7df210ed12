"""The commands that copy the stored data: export and backup."""

import contextlib
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Annotated

import typer

from laban_app.answers.discovery import open_store
from laban_app.answers.remote import RemoteAnswers
from laban_app.cli import terminal
from laban_app.cli.terminal import Source
from laban_app.errors import OutputFailed
from laban_collector.errors import StoreError
from laban_collector.store.base import EXPORTED_TABLES, Store
from laban_collector.store.private_files import keep_new_files_private, publish, working_folder


def export(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Output directory; created if it does not exist."),
    ],
    source: Source,
) -> None:
    """Export all tables as Parquet files.

    Each table becomes one file. A running collector keeps receiving spans meanwhile.
    """
    began = time.monotonic()
    store = open_store(source.url, source.db, source.token)
    keep_new_files_private()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(f"Cannot create the output directory: {error}. Name another: -o DIR") from error
    taken = [f"{table}.parquet" for table in EXPORTED_TABLES if os.path.lexists(output / f"{table}.parquet")]
    if taken:
        raise StoreError(f"{output} already holds {', '.join(taken)}: an export overwrites nothing.")
    with _working_folder(output, ".export") as folder:
        _export(store, folder)
        for file in sorted(folder.glob("*.parquet")):
            publish(file, output / file.name)
    _report(output, sum(file.stat().st_size for file in output.glob("*.parquet")), began)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Backup file; must not exist yet.")],
    source: Source,
) -> None:
    """Copy the database to a file.

    The copy is consistent. A running collector keeps receiving spans meanwhile.
    """
    began = time.monotonic()
    keep_new_files_private()
    if os.path.lexists(file):
        raise StoreError(f"{file} already exists: a backup overwrites nothing; name another file.")
    if not file.absolute().parent.is_dir():
        raise StoreError(f"{file}: the directory does not exist; create it first: mkdir -p {file.parent}")
    store = open_store(source.url, source.db, source.token)
    if isinstance(store, RemoteAnswers):
        with store, _working_folder(file.absolute().parent, file.name) as folder:
            made = folder / file.name
            with made.open("xb") as copy:
                store.download("backup", copy)
            publish(made, file)
    else:
        with store:
            for _ in store.backup(file):
                pass
    _report(file, file.stat().st_size, began)


@contextlib.contextmanager
def _working_folder(parent: Path, name: str) -> Generator[Path, None, None]:
    """A folder for unfinished files; see `working_folder`. Raises OutputFailed."""
    try:
        with working_folder(parent, name) as folder:
            yield folder
    except OSError as error:
        raise OutputFailed(f"Cannot write to {parent}: {error.strerror or error}.") from error


def _export(store: RemoteAnswers | Store, folder: Path) -> None:
    if isinstance(store, Store):
        with store:
            for _ in store.export(lambda name: (folder / name).open("wb")):
                pass
        return
    with store, tempfile.TemporaryFile(dir=folder) as received:
        store.download("export", received)
        with zipfile.ZipFile(received) as archive:
            for member in archive.infolist():
                # The names come from another machine: only their last part is used.
                with (
                    archive.open(member) as source,
                    (folder / Path(member.filename).name).open("wb") as target,
                ):
                    shutil.copyfileobj(source, target)


def _report(path: Path, size: int, began: float) -> None:
    seconds = time.monotonic() - began
    terminal.stderr().print(f"wrote {path} ({size / 1e6:,.1f} MB in {seconds:.1f} s)")
