"""A database with small blocks and row groups, so that a damaged block hits a part of it."""

import os
from pathlib import Path

import duckdb

from laban_collector.store.duckdb.connection.schema import SCHEMA_VERSION
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability import blocks

GROUP = 2048
BLOCK = 16_384
SPANS = 4 * GROUP
PER_COMMIT = 512
COMMITS = SPANS // PER_COMMIT

_SPANS = """
INSERT INTO spans BY NAME
SELECT hash(i // 8) AS trace_hi, hash(i // 8 + 7) AS trace_lo, hash(i + 99) AS span_id, 0 AS parent_id,
       make_timestamp_ns(1795000000000000000 + i * 1000000) AS start, i % 1000 AS duration, 2 AS kind,
       0 AS status,
       'op ' || i % 50 AS name, 1 + i % 2 AS resource_id, 1 AS scope_id, 0 AS flags,
       '{"user.id":"' || hash(i * 3) || '"}' AS attributes, 0 AS dropped_attributes, 0 AS dropped_events,
       0 AS dropped_links, 1 + i // $per_commit AS arrival
FROM range($spans) r(i);
"""
_REST = """
INSERT INTO ledger
SELECT 1 + i, make_timestamp_ns(1795000000000000000), $per_commit, 0, 0, 0 FROM range($commits) r(i);
"""


def make(path: Path) -> Path:
    """Make the database; return its path."""
    with duckdb.connect(config={"threads": 1}) as connection:
        options = f"ROW_GROUP_SIZE {GROUP}, BLOCK_SIZE {BLOCK}, STORAGE_VERSION 'latest'"
        connection.execute(f"ATTACH '{path}' AS made ({options})")
        connection.execute("USE made")
        connection.execute(sql("connection/schema"))
        connection.execute(sql("connection/set_schema_version"), [str(SCHEMA_VERSION)])
        connection.execute(_SPANS, {"spans": SPANS, "per_commit": PER_COMMIT})
        connection.execute(_REST, {"commits": COMMITS, "per_commit": PER_COMMIT})
        connection.execute(
            "INSERT INTO resources SELECT i, i + 7, 's' || i, NULL, NULL, NULL, '{}' FROM range(1, 3) r(i)"
        )
        connection.execute("INSERT INTO scopes VALUES (1, 9, 'tests', NULL, '{}')")
        connection.execute("CHECKPOINT made")
    return path


def block_of(path: Path, column: str, group: int) -> int:
    """Return the offset of a block that holds only a column of a row group of spans."""
    with duckdb.connect(path, read_only=True) as connection:
        found = connection.execute(
            "SELECT row_group_id, column_name, block_id FROM pragma_storage_info('spans') WHERE block_id >= 0"
        ).fetchall()
    users: dict[int, set[tuple[int, str]]] = {}
    for row_group, name, block in found:
        users.setdefault(block, set()).add((row_group, name))
    return next(blocks.DATA + block * BLOCK for block, by in users.items() if by == {(group, column)})


def overwrite(path: Path, offset: int, content: bytes) -> None:
    """Write into a file in place, as a failing disk changes it."""
    descriptor = os.open(path, os.O_RDWR)
    os.pwrite(descriptor, content, offset)
    os.close(descriptor)
