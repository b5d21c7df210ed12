"""The numbers of resources and scopes: a hash would take eight bytes per span in the file."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from itertools import islice
from typing import Final

import duckdb
import pyarrow as pa

from laban_collector.store.duckdb.connection.sql import sql

KEPT: Final = 1 << 16
"""Numbers in memory. Those of older resources are looked up in the table, because senders may make up new
resources without end."""


class IdTable:
    """The numbers of resources or scopes.

    Args:
        name: name of the table, `resources` or `scopes`.
        column: the column of numbers there and in spans; it holds hashes in a batch.
        cursor: reads the stored numbers.
        kept: maximum number of them in memory.
    """

    def __init__(self, name: str, column: str, cursor: duckdb.DuckDBPyConnection, kept: int = KEPT) -> None:
        self.name = name
        self._column = column
        self._kept = kept
        stored = cursor.execute(sql(f"write/newest_{name}"), {"most": kept}).fetchall()
        self._ids: dict[int, int] = dict(stored[::-1])
        self._has_all = len(stored) < kept
        """Whether all stored numbers are in memory."""
        [(self._newest,)] = cursor.execute(sql(f"write/last_of_{name}")).fetchall()
        self._batch: dict[int, int] = {}
        """The numbers of the batch that is being stored."""

    def unstored(self, rows: pa.Table, cursor: duckdb.DuckDBPyConnection) -> pa.Table:
        """Number the rows of a batch, and return those that are not stored yet, for the table."""
        hashes = rows[self._column].to_pylist()
        self._batch = {one: self._ids[one] for one in hashes if one in self._ids}
        if len(self._batch) < len(hashes):
            self._batch |= self._looked_up([one for one in hashes if one not in self._batch], cursor)
        new = [one not in self._batch for one in hashes]
        for one in hashes:
            if one not in self._batch:
                self._newest += 1
                self._batch[one] = self._newest
        hashed = rows.append_column("hash", rows[self._column])
        return self.with_ids(hashed.filter(pa.array(new, pa.bool_())))

    def with_ids(self, rows: pa.Table) -> pa.Table:
        """Replace the hashes of the batch with numbers."""
        column = rows.schema.get_field_index(self._column)
        encoded = rows[self._column].combine_chunks().dictionary_encode()
        ids = [self._batch[one] for one in encoded.dictionary.to_pylist()]
        return rows.set_column(column, self._column, pa.array(ids, pa.uint64()).take(encoded.indices))

    def remember(self) -> None:
        """Record that the batch is stored."""
        self._ids |= self._batch
        if len(self._ids) > self._kept:  # drop the oldest half at once: each drop takes time
            self._has_all = False
            self._ids = dict(islice(self._ids.items(), len(self._ids) - self._kept // 2, None))
        self._batch = {}

    def _looked_up(self, hashes: list[int], cursor: duckdb.DuckDBPyConnection) -> dict[int, int]:
        """Return those of these numbers that are stored, but not in memory."""
        if self._has_all:
            return {}
        cursor.register("batch_hashes", pa.table({"hash": pa.array(hashes, pa.uint64())}))
        return dict(cursor.execute(sql(f"write/ids_of_{self.name}")).fetchall())
