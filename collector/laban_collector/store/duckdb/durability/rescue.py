"""Copies every readable row of a damaged file into a new one, and says what is lost.

    FILE.damaged ──▶ working copy, if a block can be corrected ──▶ pieces ──▶ the new file ──▶ losses
                     or the log is cut at its first wrong entry    (a process that may die)

The damaged file is only read.
"""

# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import logging
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa

from laban_collector.errors import StoreDamaged, StoreError, StoreLocked
from laban_collector.store.base import EXPORTED_TABLES
from laban_collector.store.damage import Losses, Rescued, ranges_of
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability import blocks, headers
from laban_collector.store.duckdb.durability.damaged_file import DamagedFile, Piece
from laban_collector.store.duckdb.durability.log_entries import intact_length
from laban_collector.store.duckdb.durability.saved_metadata import metadata_path, restore, saved_pieces
from laban_collector.store.private_files import unwritable

_log = logging.getLogger(__name__)

_COUNTED_AGAIN: Final = ("edges", "contracts", "profile_steps", "profiles")
_TABLES: Final = tuple(name for name in EXPORTED_TABLES if name not in ("ledger", *_COUNTED_AGAIN))
"""The tables that are copied. The ledger is written anew, and the collector counts the rest again."""
_LOCKED: Final = re.compile("Conflicting lock|Could not set lock|being used by another")
_AT_ONCE: Final = 122_880
"""Rows of a transaction; a row group."""
_OPTIONAL: Final = {
    "spans": ("attributes", "status_message", "trace_state", "messaging_key"),
    "span_events": ("attributes",),
    "span_links": ("attributes", "trace_state"),
    "logs": ("attributes", "body", "severity_text", "event_name", "logger", "namespace"),
}
"""Columns without which a row is still worth keeping: no call, message or cause follows from them."""


Progress = Callable[[int], object]
"""Receives the number of spans copied so far."""


def rescue(damaged: Path, target: Path, progress: Progress = lambda _: None) -> Rescued:
    """Copy every readable row of a damaged file into a new file.

    Args:
        damaged: the file, with its log next to it; it is only read.
        target: the new file, in an existing directory.
        progress: is told how far it is.

    Raises:
        StoreError: the target exists or cannot be written.
        StoreDamaged: nothing of the file can be read.
    """
    if target.exists():
        raise StoreError(f"{target} exists, and a rescue overwrites nothing. Name another file.")
    partial = target.with_name(f"{target.name}.partial")
    _remove(partial)
    try:
        with _opened(damaged, partial) as source, Database.open(partial) as copy:
            result = _Copying(source, copy, progress).run()
        partial.rename(target)
    finally:
        _remove(partial)
    return result


@contextmanager
def _opened(damaged: Path, near: Path) -> Generator[DamagedFile, None, None]:
    """Open a damaged file in the first way that works; copies are made in the directory of `near`."""
    folder = near.with_name(f"{near.name}-work")
    reasons: list[str] = []
    if not damaged.exists():
        raise StoreDamaged(f"{damaged} does not exist")
    try:
        for attempt in _ATTEMPTS:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                path = attempt(damaged, folder / "copy.duckdb")
                source = None if path is None else DamagedFile(path)
            except StoreDamaged as error:
                if _LOCKED.search(str(error)):
                    raise StoreLocked(f"{damaged} is open in another process. Stop it first.") from error
                reasons.append(str(error))
                continue
            if source is not None and "spans" in source.tables:
                with source:
                    yield source
                return
        # The first reason is about the file itself, the others about copies that are gone.
        raise StoreDamaged(f"Nothing of {damaged} can be read: {[*reasons, 'it holds no spans'][0]}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_it_is(damaged: Path, copy: Path) -> Path | None:
    """Return the file itself, if no byte of it can be corrected and its log is whole."""
    del copy
    with _descriptor(damaged) as descriptor:
        can_correct = bool(_corrections(damaged, descriptor))
    log = wal_of(damaged)
    return None if can_correct or (log.exists() and not _is_whole(log)) else damaged


def _corrected(damaged: Path, copy: Path) -> Path | None:
    """Copy the file with the intact part of its log, and correct what can be corrected."""
    _copy_corrected(damaged, copy)
    log = wal_of(damaged)
    if log.exists():
        content = log.read_bytes()
        wal_of(copy).write_bytes(content[: intact_length(content)])
    return copy


def _without_log(damaged: Path, copy: Path) -> Path | None:
    """Copy the file without its log."""
    if not wal_of(damaged).exists():
        return None
    _log.warning("The log of %s cannot be read; only the file is.", damaged)
    _copy_corrected(damaged, copy)
    return copy


def _with_saved_metadata(damaged: Path, copy: Path) -> Path | None:
    """Copy the file and its log, and put the saved headers and metadata blocks in their places."""
    found, log = _with_metadata_alone(damaged, copy), wal_of(damaged)
    if found is not None and log.exists():
        content = log.read_bytes()
        wal_of(copy).write_bytes(content[: intact_length(content)])
    return found


def _with_metadata_alone(damaged: Path, copy: Path) -> Path | None:
    """Do the same without the log."""
    metadata = metadata_path(damaged)
    if not metadata.exists():
        return None
    shutil.copyfile(damaged, copy)
    restored = restore(metadata, copy)
    with copy.open("r+b") as file:  # DuckDB compares the size of the file with its number of blocks
        file.truncate(max(copy.stat().st_size, blocks.size_by_header(file.fileno())))
    _log.warning("%s is read by the copy of its metadata (%d pieces).", damaged, restored)
    return copy


def _from_older_header(damaged: Path, copy: Path) -> Path | None:
    """Copy the file, and read its state before the newest checkpoint."""
    _copy_corrected(damaged, copy)
    return copy if headers.use_other(copy) else None


_ATTEMPTS: Final = (
    _as_it_is,
    _corrected,
    _without_log,
    _with_saved_metadata,
    _with_metadata_alone,
    _from_older_header,
)
"""Ways to open a damaged file, the best first."""


def _copy_corrected(damaged: Path, copy: Path) -> None:
    try:
        shutil.copyfile(damaged, copy)
    except OSError as error:
        raise unwritable(copy, error) from error
    with copy.open("r+b") as file:
        for piece, content in _corrections(damaged, file.fileno()).items():
            _log.warning("The bytes between %d and %d were corrected.", piece.offset, sum(piece))
            file.seek(piece.offset)
            file.write(content)
    headers.repair(copy)


def _corrections(damaged: Path, descriptor: int) -> dict[blocks.Piece, bytes]:
    """Return the right content of damaged headers and blocks, as far as a checksum or a copy proves it."""
    wrong = blocks.all_damaged(descriptor)
    return dict(blocks.corrections(descriptor, wrong)) | saved_pieces(
        metadata_path(damaged), descriptor, wrong
    )


class _Copying:
    """Copies the tables of one damaged file.

    Args:
        source: the damaged file.
        copy: the new file.
        progress: is told how far it is.
    """

    def __init__(self, source: DamagedFile, copy: Database, progress: Progress) -> None:
        self._source = source
        self._copy = copy
        self._progress = progress
        self._stored: Counter[int] = Counter()
        """Copied spans by commit."""
        self._lost: Counter[int] = Counter()
        """Lost spans by commit, as far as their commit can be read."""
        self._unknown = 0
        self._incomplete = 0
        self._columns: set[str] = set()
        self._rows: dict[str, int] = {}
        with copy.reading() as cursor:
            self._ledger_rows = cursor.table("ledger").to_arrow_table()

    def run(self) -> Rescued:
        """Copy all tables, write the ledger, and return what is lost."""
        for table in _TABLES:
            self._copy_table(table)
        recorded, readable = self._ledger()
        with self._copy.writing() as cursor:
            cursor.execute(sql("durability/add_lost_resources"))
            cursor.execute(sql("durability/add_lost_scopes"))
            cursor.register("read_ledger", self._ledger_rows)
            cursor.execute(sql("durability/insert_rescued_ledger"))
        for commit, spans in recorded.items():
            self._lost[commit] = max(self._lost[commit], spans - self._stored[commit])
        spans, known = sum(self._stored.values()), sum(self._lost.values())
        unknown = 0 if readable else self._unknown
        ranges, more = ranges_of(self._lost.items())
        losses = Losses(
            spans=known + unknown,
            exact=readable,
            commits=ranges,
            ranges_left_out=more,
            unknown=unknown,
            incomplete=self._incomplete,
            columns=tuple(sorted(self._columns)),
            rows=self._rows,
        )
        newest = max((*recorded, *self._stored), default=0)
        return Rescued(spans=spans, losses=losses, newest=newest)

    def _copy_table(self, table: str) -> None:
        if table not in self._source.tables:
            return
        try:
            layout = self._source.layout(table)
        except StoreDamaged as error:
            _log.error("%s", error)
            self._rows[table] = 1  # at least
            return
        with self._copy.reading() as cursor:
            schema = cursor.table(table).limit(0).to_arrow_table().schema
        waiting: list[pa.Table] = []
        for piece in self._source.pieces(table, layout, _OPTIONAL.get(table, ())):
            if piece.rows is None:
                self._miss(table, piece)
            elif piece.rows.num_rows:
                waiting.append(_completed(piece.rows, schema))
                self._note(table, piece, piece.rows)
            if sum(rows.num_rows for rows in waiting) >= _AT_ONCE:
                self._insert(table, waiting)
        self._insert(table, waiting)

    def _insert(self, table: str, waiting: list[pa.Table]) -> None:
        """Insert rows in transactions of about a row group, and forget them."""
        if waiting:
            with self._copy.writing() as cursor:
                cursor.from_arrow(pa.concat_tables(waiting)).insert_into(table)
            waiting.clear()
            self._progress(sum(self._stored.values()))

    def _note(self, table: str, piece: Piece, rows: pa.Table) -> None:
        if table == "spans":
            self._stored.update(rows["arrival"].to_pylist())
            if piece.missing:
                self._incomplete += rows.num_rows
                self._columns.update(piece.missing)

    def _miss(self, table: str, piece: Piece) -> None:
        if table != "spans":
            self._rows[table] = self._rows.get(table, 0) + piece.last - piece.first + 1
            return
        commits = self._source.rows(table, ["arrival"], piece.first, piece.last)
        if commits is None:
            self._unknown += piece.last - piece.first + 1
        else:
            self._lost.update(commits["arrival"].to_pylist())

    def _ledger(self) -> tuple[dict[int, int], bool]:
        """Read the ledger; return the spans of each commit, and whether all of it could be read."""
        if "ledger" not in self._source.tables:
            return {}, False
        try:
            layout = self._source.layout("ledger")
        except StoreDamaged:
            return {}, False
        recorded: Counter[int] = Counter()
        whole = True
        for piece in self._source.pieces("ledger", layout):
            if piece.rows is None:
                whole = False
                continue
            rows = piece.rows.select(self._ledger_rows.column_names)
            self._ledger_rows = pa.concat_tables([self._ledger_rows, rows])
            for commit, spans in zip(rows["arrival"].to_pylist(), rows["spans"].to_pylist(), strict=True):
                recorded[commit] += spans
        return dict(recorded), whole


def _completed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with all columns of a table, in its order; columns that are missing are null."""
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(
        [column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _is_whole(log: Path) -> bool:
    content = log.read_bytes()
    return intact_length(content) == len(content)


@contextmanager
def _descriptor(path: Path) -> Generator[int, None, None]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for place in (path, wal_of(path)):
        place.unlink(missing_ok=True)
