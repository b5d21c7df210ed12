# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright in signatures.

from collections.abc import Sequence

import pyarrow as pa
import pytest

from laban_collector.batch.span_batch import SCOPES
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.write.id_table import IdTable

from .test_writer import rows


def scopes(hashes: Sequence[int]) -> pa.Table:
    columns = [hashes, [f"s{one}" for one in hashes], ["{}"] * len(hashes), [None] * len(hashes)]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCOPES, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCOPES)


def table(database: Database, kept: int) -> IdTable:
    with database.reading() as cursor:
        return IdTable("scopes", "scope_id", cursor, kept)


def insert(database: Database, ids: IdTable, hashes: Sequence[int]) -> list[int]:
    """Store these scopes, and return their numbers."""
    with database.writing() as cursor:
        new = ids.unstored(scopes(hashes), cursor)
        if new.num_rows:
            cursor.register("batch_scopes", new)
            cursor.execute(sql("write/insert_scopes"))
        numbers: list[int] = ids.with_ids(scopes(hashes))["scope_id"].to_pylist()
    ids.remember()
    return numbers


@pytest.mark.parametrize("kept", [2, 4, 100])
def test_a_scope_keeps_its_number_however_few_are_in_memory(database: Database, kept: int) -> None:
    ids = table(database, kept)
    high = 2**63 + 5  # signed in pyarrow
    assert insert(database, ids, [11, 12, high]) == [1, 2, 3]
    assert insert(database, ids, [13, 12, 14]) == [4, 2, 5]
    assert insert(database, ids, [high, 11, 15]) == [3, 1, 6]
    assert insert(database, table(database, kept), [15, 16, 11]) == [6, 7, 1]
    assert rows(database, "SELECT count(*), count(DISTINCT hash) FROM scopes") == [(7, 7)]


def test_numbers_of_a_failed_commit_are_not_remembered(database: Database) -> None:
    ids = table(database, 4)
    with database.writing() as cursor:
        ids.unstored(scopes([11]), cursor)
    assert insert(database, ids, [12]) == [2]
    assert insert(database, ids, [11]) == [3]
