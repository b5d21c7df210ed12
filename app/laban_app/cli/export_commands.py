"""The commands that keep a store: export and backup."""

import shutil
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from laban_app.answers.discovery import open_store
from laban_app.answers.remote import RemoteAnswers
from laban_app.cli import console, options
from laban_app.cli.pandas_blocker import without_pandas
from laban_collector.errors import StoreError
from laban_collector.store.base import EXPORTED_TABLES, Store


def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go; made if needed.")
    ],
    db: options.Db = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Write all tables as Parquet files, one a table; a collector that runs is not disturbed."""
    began = time.monotonic()
    store = _open(url, db, token)
    output.mkdir(parents=True, exist_ok=True)
    taken = [f"{table}.parquet" for table in EXPORTED_TABLES if (output / f"{table}.parquet").exists()]
    if taken:
        raise StoreError(f"{output} holds {', '.join(taken)} already: an export overwrites nothing.")
    with tempfile.TemporaryDirectory(dir=output, prefix=".export-") as folder:
        _export(store, Path(folder))
        for file in sorted(Path(folder).glob("*.parquet")):
            file.rename(output / file.name)
    _tell(output, sum(file.stat().st_size for file in output.glob("*.parquet")), began)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; must not exist yet.")],
    db: options.Db = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Copy the database as it is at this moment; a collector that runs is not disturbed."""
    began = time.monotonic()
    if file.exists():
        raise StoreError(f"{file} exists already: a backup overwrites nothing; name another file.")
    if not file.absolute().parent.is_dir():
        raise StoreError(f"{file}: its directory does not exist; make it first: mkdir -p {file.parent}")
    store = _open(url, db, token)
    if isinstance(store, RemoteAnswers):
        with store, tempfile.NamedTemporaryFile(dir=file.absolute().parent, prefix=".backup-") as made:
            store.download("backup", made)
            made.flush()
            Path(made.name).chmod(0o644)
            file.hardlink_to(made.name)  # whole, or not there; and it fails if the name was taken meanwhile
    else:
        with store:
            for _ in store.backup(file):
                pass
    _tell(file, file.stat().st_size, began)


def _open(url: str | None, db: Path | None, token: str | None) -> RemoteAnswers | Store:
    without_pandas()
    return open_store(url, db, token)


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
                # Names come from another machine: only their last part counts.
                with (
                    archive.open(member) as source,
                    (folder / Path(member.filename).name).open("wb") as target,
                ):
                    shutil.copyfileobj(source, target)


def _tell(what: Path, size: int, began: float) -> None:
    seconds = time.monotonic() - began
    console.err().print(f"wrote {what} ({size / 1e6:,.1f} MB in {seconds:.1f} s)")
