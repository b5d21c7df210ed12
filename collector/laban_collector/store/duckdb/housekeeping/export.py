"""The whole store as Parquet files, or as another database: what it held at one moment, written to or not.

Everything is read in one transaction, and streamed: writers wait for nothing but the processor. DuckDB's own
COPY and ATTACH would need access to files, which is closed to every query (`enable_external_access`).
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its readers and batches are unknown to pyright wherever they are passed.

import io
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from laban_collector.errors import StoreError
from laban_collector.store.duckdb.connection.database import Database, wal_of

TABLES: Final = (
    "resources",
    "scopes",
    "spans",
    "span_events",
    "span_links",
    "correlations",
    "edges",
    "lag",
    "ledger",
)
"""All tables with rows of users; `meta`, `digests` and `unmet_links` are laban's own."""

_PIECE: Final = 1 << 20
_ROWS: Final = 65_536
"""Rows in memory at once, and in a row group of the Parquet files."""

OpenSink = Callable[[str], AbstractContextManager[IO[bytes]]]


def export(database: Database, open_sink: OpenSink) -> Generator[int, None, None]:
    """Write each table as one Parquet file.

    Args:
        database: stays as it is.
        open_sink: opens what a file of this name is written to, `spans.parquet`.

    Yields:
        Rows that were written since the last time.

    Raises:
        StoreError: DuckDB refused.
    """
    with database.reading() as cursor:
        for table in TABLES:
            reader = _rows_of(cursor, table)
            with (
                open_sink(f"{table}.parquet") as sink,
                pq.ParquetWriter(sink, reader.schema, compression="zstd") as writer,
            ):
                for batch in reader:
                    writer.write_batch(batch)
                    yield batch.num_rows


def export_zip(database: Database) -> Generator[bytes, None, None]:
    """The Parquet files of `export` in one ZIP archive, piece by piece as it is made.

    Raises:
        StoreError: DuckDB refused.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # not compressed again
        for _ in export(database, lambda name: archive.open(name, "w", force_zip64=True)):
            yield pipe.taken()
    yield pipe.taken()


def backup(database: Database, target: Path) -> Generator[int, None, None]:
    """Copy the store into a new database file; it stands under its name when it is whole.

    Args:
        database: stays as it is.
        target: the new file, in an existing directory.

    Yields:
        Rows that were copied since the last time.

    Raises:
        StoreError: there is such a file already, or DuckDB refused.
    """
    if target.exists():
        raise StoreError(f"{target} exists already: a backup overwrites nothing; name another file.")
    partial = target.with_name(f"{target.name}.partial")
    _remove(partial)
    try:
        with Database.open(partial) as copy, database.reading() as cursor:
            for table in TABLES:
                yield from _copy(_rows_of(cursor, table), copy, table)
        partial.rename(target)
    finally:
        _remove(partial)


def stream_backup(database: Database) -> Generator[bytes, None, None]:
    """The bytes of a backup. It is made beside the database first, and takes as much room as that.

    Raises:
        StoreError: DuckDB refused.
    """
    beside = database.path.absolute().parent
    with tempfile.TemporaryDirectory(dir=beside, prefix=f"{database.path.name}.backup-") as folder:
        made = Path(folder) / database.path.name
        for _ in backup(database, made):
            yield b""  # here it ends when the asker has gone
        with made.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def _rows_of(cursor: duckdb.DuckDBPyConnection, table: str) -> pa.RecordBatchReader:
    return cursor.table(table).to_arrow_reader(_ROWS)


def _copy(rows: Iterator[pa.RecordBatch], copy: Database, table: str) -> Generator[int, None, None]:
    """Insert batch by batch: a transaction of all would have to fit into memory."""
    for batch in rows:
        with copy.writing() as cursor:
            cursor.from_arrow(pa.Table.from_batches([batch])).insert_into(table)
        yield batch.num_rows


def _remove(path: Path) -> None:
    for place in (path, wal_of(path)):
        place.unlink(missing_ok=True)


class _Pipe(io.RawIOBase):
    """Something to write to, whose bytes are taken out again; it cannot seek."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer there
        """Keep a piece."""
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """All that was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
