"""Exports the store as Parquet files, or copies it to another database, as it is at one moment.

Everything is read in one transaction and streamed, so writers share only the processor with it. DuckDB's own
COPY and ATTACH would need access to files, which no query has (`enable_external_access`).
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its readers and batches are unknown to pyright wherever they are passed.

import io
import tempfile
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from laban_collector.errors import StoreError
from laban_collector.store.base import EXPORTED_TABLES, OpenSink
from laban_collector.store.duckdb.connection.database import Database, wal_of

_PIECE: Final = 1 << 20
_ROWS: Final = 65_536
"""Rows in memory at once, and in a row group of the Parquet files."""


def export(database: Database, open_sink: OpenSink) -> Generator[int, None, None]:
    """Write each table as one Parquet file.

    Args:
        database: open to read.
        open_sink: opens a file of this name for writing, such as `spans.parquet`.

    Yields:
        The number of rows written since the last time.

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
    with zipfile.ZipFile(pipe, "w") as archive:  # not compressed again
        for _ in export(database, lambda name: archive.open(name, "w", force_zip64=True)):
            yield pipe.taken()
    yield pipe.taken()


def backup(database: Database, target: Path) -> Generator[int, None, None]:
    """Copy the store to a new database file, which gets its name when it is complete.

    Args:
        database: open to read.
        target: the new file, in an existing directory.

    Yields:
        The number of rows copied since the last time.

    Raises:
        StoreError: the file exists, or DuckDB refused.
    """
    if target.exists():
        raise StoreError(f"{target} exists, and a backup overwrites nothing. Name another file.")
    partial = target.with_name(f"{target.name}.partial")
    _remove(partial)
    try:
        with Database.open(partial) as copy, database.reading() as cursor:
            for table in EXPORTED_TABLES:
                yield from _copy(_rows_of(cursor, table), copy, table)
        partial.rename(target)
    finally:
        _remove(partial)


def stream_backup(database: Database) -> Generator[bytes, None, None]:
    """Yield the bytes of a backup. It is first made next to the database, and takes as much space.

    Raises:
        StoreError: DuckDB refused.
    """
    folder_of_database = database.path.absolute().parent
    with tempfile.TemporaryDirectory(
        dir=folder_of_database, prefix=f"{database.path.name}.backup-"
    ) as folder:
        made = Path(folder) / database.path.name
        for _ in backup(database, made):
            yield b""  # the generator ends here if the client has gone away
        with made.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def _rows_of(cursor: duckdb.DuckDBPyConnection, table: str) -> pa.RecordBatchReader:
    return cursor.table(table).to_arrow_reader(_ROWS)


def _copy(rows: Iterator[pa.RecordBatch], copy: Database, table: str) -> Generator[int, None, None]:
    """Insert batch by batch: one transaction for all rows would have to fit into memory."""
    for batch in rows:
        with copy.writing() as cursor:
            cursor.from_arrow(pa.Table.from_batches([batch])).insert_into(table)
        yield batch.num_rows


def _remove(path: Path) -> None:
    for place in (path, wal_of(path)):
        place.unlink(missing_ok=True)


class _Pipe(io.RawIOBase):
    """A file to write to, whose bytes are taken out again; it cannot seek."""

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
        """The bytes written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
