"""Short numbers for who sent spans: of a hash a span takes eight bytes in the file, of a small number one."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import duckdb
import pyarrow as pa

from laban_collector.store.duckdb.connection.sql import sql


class IdTable:
    """The resources, or the scopes, of one database, numbered in the order in which they came.

    Args:
        table: `resources` or `scopes`.
        ids: the column of its ids, and of the ids in spans: hashes in a batch, numbers in the database.
        cursor: to read those that are there.
    """

    def __init__(self, table: str, ids: str, cursor: duckdb.DuckDBPyConnection) -> None:
        self.table = table
        self.ids = ids
        self._numbers: dict[int, int] = dict(cursor.execute(sql(f"write/numbers_of_{table}")).fetchall())
        # In files of older versions hashes are ids; they are not counted on from.
        self._newest = max((number for one, number in self._numbers.items() if one != number), default=0)
        self._stored = set(self._numbers)

    def unstored(self, origins: pa.Table) -> pa.Table:
        """Rows for the table, of those that are not in it."""
        hashes = origins[self.ids].to_pylist()
        for one in hashes:
            if one not in self._numbers:
                self._newest += 1
                self._numbers[one] = self._newest
        new = pa.array([one not in self._stored for one in hashes], pa.bool_())
        return self.numbered(origins.append_column("hash", origins[self.ids]).filter(new))

    def numbered(self, rows: pa.Table) -> pa.Table:
        """Numbers in place of hashes."""
        column = rows.schema.get_field_index(self.ids)
        encoded = rows[self.ids].combine_chunks().dictionary_encode()
        numbers = [self._numbers[one] for one in encoded.dictionary.to_pylist()]
        return rows.set_column(column, self.ids, pa.array(numbers, pa.uint64()).take(encoded.indices))

    def remember(self, origins: pa.Table) -> None:
        """These are in the table now."""
        self._stored.update(origins[self.ids].to_pylist())
