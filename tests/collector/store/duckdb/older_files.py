"""Creates files of older schema versions."""

from pathlib import Path
from typing import Final

import duckdb

from laban_collector.store.duckdb.connection.schema import SCHEMA_VERSION

_DOWNGRADES: Final = {
    9: """
        DROP TABLE logs;
        DROP TABLE edge_totals;
        DROP TABLE unsettled_edges;
    """,
    8: """
        ALTER TABLE spans DROP COLUMN message_type;
        ALTER TABLE spans DROP COLUMN message_version;
        DROP TABLE contracts;
        ALTER TABLE digests DROP COLUMN last_spans;
    """,
    7: """
        DROP TABLE profile_steps;
        DROP TABLE profiles;
        DELETE FROM meta WHERE key = 'profiled';
    """,
    6: """
        ALTER TABLE lag DROP COLUMN lost;
        ALTER TABLE lag DROP COLUMN seconds_from;
        ALTER TABLE lag DROP COLUMN members;
        DROP TABLE lag_problems;
        DROP TABLE edges;
        CREATE TABLE edges (
            minute BIGINT NOT NULL, source VARCHAR NOT NULL, target VARCHAR NOT NULL,
            protocol VARCHAR NOT NULL, evidence VARCHAR NOT NULL, address VARCHAR, rpc_service VARCHAR,
            consumer VARCHAR, receiving BOOLEAN, bucket SMALLINT, calls BIGINT NOT NULL,
            errors BIGINT NOT NULL, timed BIGINT NOT NULL, elapsed BIGINT
        );
    """,
    5: "",  # digests are computed again
    4: """
        UPDATE spans s SET resource_id = r.hash FROM resources r WHERE r.resource_id = s.resource_id;
        UPDATE spans s SET scope_id = o.hash FROM scopes o WHERE o.scope_id = s.scope_id;
        UPDATE resources SET resource_id = hash;
        UPDATE scopes SET scope_id = hash;
        ALTER TABLE resources DROP COLUMN hash;
        ALTER TABLE scopes DROP COLUMN hash;
        ALTER TABLE correlations ADD COLUMN value_hash UBIGINT;
        UPDATE correlations SET value_hash = hash(value);
        DROP TABLE unmet_links;
    """,
    3: "DROP TABLE edges;",
    2: """
        ALTER TABLE span_events DROP COLUMN arrival;
        ALTER TABLE span_links DROP COLUMN arrival;
        ALTER TABLE correlations DROP COLUMN arrival;
        DROP TABLE digests;
    """,
}
"""The SQL that undoes the changes of a schema version, by version."""


def make_older(path: Path, version: int) -> None:
    """Downgrade a current file to an older schema version."""
    with duckdb.connect(path) as old:
        for newer in range(SCHEMA_VERSION, version, -1):
            if _DOWNGRADES[newer]:
                old.execute(_DOWNGRADES[newer])
        old.execute("UPDATE meta SET value = $1 WHERE key = 'schema_version'", [str(version)])
