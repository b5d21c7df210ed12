# pyright: reportUnknownParameterType=false
# pyarrow ships no types: pyright does not know its tables in signatures.

import pyarrow as pa
import pytest

from laban_collector.batch import span_batch
from laban_collector.store.duckdb.connection.database import Database

# Columns that the store fills in.
FILLED_IN = {"arrival", "hash"}
NOT_KEPT = {"row"}


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        ("spans", span_batch.SPANS),
        ("resources", span_batch.RESOURCES),
        ("scopes", span_batch.SCOPES),
        ("span_events", span_batch.EVENTS),
        ("span_links", span_batch.LINKS),
        ("correlations", span_batch.CORRELATIONS),
    ],
)
def test_the_arrow_schemas_match_the_tables(database: Database, table: str, schema: pa.Schema) -> None:
    with database.reading() as cursor:
        cursor.register("batch", schema.empty_table())
        arrow = _columns(cursor.execute("DESCRIBE batch").fetchall())
        stored = cursor.execute(f"DESCRIBE {table}").fetchall()
    required = {name for name, _, null, *_ in stored if null == "NO"} - FILLED_IN
    assert {name: kind for name, kind in arrow.items() if name not in NOT_KEPT} == {
        name: kind for name, kind in _columns(stored).items() if name not in FILLED_IN
    }
    assert {field.name for field in schema if not field.nullable} - NOT_KEPT == required


def _columns(described: list[tuple[str, str]]) -> dict[str, str]:
    return {name: kind for name, kind, *_ in described}
