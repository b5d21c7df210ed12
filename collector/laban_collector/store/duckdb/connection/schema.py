"""Creates the tables of a new file, and updates the tables of older files."""

from pathlib import Path
from typing import Final

import duckdb

from laban_collector.errors import StoreError, StoreForeign, StoreTooNew
from laban_collector.store.duckdb.connection.sql import sql

SCHEMA_VERSION: Final = 9
"""Incremented with every change of `schema.sql`. A file with a higher version is refused."""


def is_current(cursor: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> bool:
    """Return whether a file has the tables of this version; False if they must be created or updated.

    Raises:
        StoreTooNew: a newer laban wrote the file.
        StoreForeign: the tables of the file are not laban's; or it has none, and is read-only.
        StoreError: an older laban wrote the file, and it is read-only.
    """
    version = _version(cursor, path)
    if version == SCHEMA_VERSION:
        return True
    if version is not None and version > SCHEMA_VERSION:
        raise StoreTooNew(
            f"{path} has schema version {version}, and this laban knows versions up to {SCHEMA_VERSION}: "
            "update laban, or name another file (--db FILE)."
        )
    if read_only and version is None:
        raise StoreForeign(f"{path} holds no tables: no collector has written to it yet.")
    if read_only:
        raise StoreError(f"{path} was written by an older laban: `laban serve --db {path}` updates it.")
    return False


def bring_up_to_date(cursor: duckdb.DuckDBPyConnection, path: Path) -> int | None:
    """Create the tables of this version, or update those of an older version; call it in a transaction.

    Returns the older version; None if the file had no tables.
    """
    version = _version(cursor, path)
    cursor.execute(sql("connection/schema"))
    if version is None:
        cursor.execute(sql("connection/set_schema_version"), [str(SCHEMA_VERSION)])
        return None
    for older in range(version, SCHEMA_VERSION):
        cursor.execute(sql(f"connection/update_from_{older}"))
    cursor.execute(sql("connection/schema"))  # creates the tables that an update dropped
    return version


def _version(cursor: duckdb.DuckDBPyConnection, path: Path) -> int | None:
    """Return the version in the table `meta`; None if the file has no tables.

    Raises:
        StoreForeign: the tables of the file are not laban's.
    """
    tables = {name for (name,) in cursor.execute(sql("connection/tables")).fetchall()}
    if not tables:
        return None
    rows = cursor.execute(sql("connection/schema_version")).fetchall() if "meta" in tables else []
    if rows:
        return int(rows[0][0])
    raise StoreForeign(
        f"{path} is a DuckDB file, but not one of laban's: it holds {', '.join(sorted(tables)[:5])}. "
        "It was left unchanged; name another file (--db FILE)."
    )
