"""Exports one state of the store as Parquet files, or copies it to another database.

Everything is read in one transaction and streamed, so writers are not blocked. DuckDB's own COPY and ATTACH
would need access to files, which queries do not have (`enable_external_access`).
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its readers and batches are unknown to pyright wherever they are passed.

import io
import os
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from laban_collector.errors import StoreError
from laban_collector.store.base import EXPORTED_TABLES, OpenSink
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.private_files import make_private, publish, unwritable, working_folder

_NOT_EXPORTED: Final = ("unmet_links", "edge_totals", "unsettled_edges")
"""Tables of a backup beside the exported ones: without them, counting could not go on."""
_PIECE: Final = 1 << 20
_ROWS: Final = 65_536
"""Number of rows in memory at once, and in a row group of the Parquet files."""


def export(database: Database, open_sink: OpenSink) -> Generator[int, None, None]:
    """Write each table to a Parquet file.

    Args:
        database: open to read.
        open_sink: opens a file by name for writing, such as `spans.parquet`.

    Yields:
        The number of rows written since the last yield.

    Raises:
        StoreError: DuckDB refused.
    """
    with database.reading() as cursor:
        for table in EXPORTED_TABLES:
            reader = _rows_of(cursor, table)
            with (
                open_sink(f"{table}.parquet") as sink,
                pq.ParquetWriter(sink, reader.schema, compression="zstd") as writer,
            ):
                for batch in reader:
                    writer.write_batch(batch)
                    yield batch.num_rows


def export_zip(database: Database) -> Generator[bytes, None, None]:
    """Yield the Parquet files of `export` as one ZIP archive, piece by piece.

    Raises:
        StoreError: DuckDB refused.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # Parquet is compressed already
        for _ in export(database, lambda name: archive.open(name, "w", force_zip64=True)):
            yield pipe.taken()
    yield pipe.taken()


def backup(database: Database, target: Path) -> Generator[int, None, None]:
    """Copy the store to a new database file, which gets its final name when it is complete.

    Args:
        database: open to read.
        target: the new file, in an existing directory.

    Yields:
        The number of rows copied since the last yield.

    Raises:
        StoreError: the file exists, or DuckDB refused.
    """
    if os.path.lexists(target):
        raise StoreError(f"{target} exists, and a backup overwrites nothing. Name another file.")
    try:
        with working_folder(target.absolute().parent, target.name) as folder:
            made = folder / target.name
            yield from _backup(database, made)
            publish(made, target)
    except OSError as error:
        raise unwritable(target, error) from error


def _backup(database: Database, made: Path) -> Generator[int, None, None]:
    with Database.open(made) as copy, database.reading() as cursor:
        for table in (*EXPORTED_TABLES, *_NOT_EXPORTED):
            yield from _copy(_rows_of(cursor, table), copy, table)
        progress = cursor.execute(sql("housekeeping/progress")).fetchall()
        with copy.writing() as writer:
            for key, value in progress:
                writer.execute(sql("housekeeping/set_progress"), {"key": key, "value": value})
    make_private([made])


def stream_backup(database: Database) -> Generator[bytes, None, None]:
    """Yield the bytes of a backup, which is created next to the database first and needs as much space.

    Raises:
        StoreError: DuckDB refused.
    """
    path = database.path
    with working_folder(path.absolute().parent, path.name) as folder:
        made = folder / path.name
        for _ in _backup(database, made):
            yield b""  # the generator ends here if the client has gone away
        with made.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def _rows_of(cursor: duckdb.DuckDBPyConnection, table: str) -> pa.RecordBatchReader:
    return cursor.table(table).to_arrow_reader(_ROWS)


def _copy(rows: Iterator[pa.RecordBatch], copy: Database, table: str) -> Generator[int, None, None]:
    """Insert batch by batch: one transaction with all rows would have to fit into memory."""
    for batch in rows:
        with copy.writing() as cursor:
            cursor.from_arrow(pa.Table.from_batches([batch])).insert_into(table)
        yield batch.num_rows


class _Pipe(io.RawIOBase):
    """A file whose written bytes are taken out again; it cannot seek."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer there
        """Append a piece."""
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """Return the bytes written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
