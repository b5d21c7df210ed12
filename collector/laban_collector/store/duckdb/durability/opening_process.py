"""The program that opens a file as a collector will, in a process of its own: a damaged file may end it.

Exits 0 if a collector can open and use the file, 1 if it is damaged; standard output says why.
"""

import sys
from pathlib import Path
from typing import Final

import duckdb

from laban_collector.errors import StoreDamaged
from laban_collector.store.duckdb.connection.open_errors import is_damage, may_be_damage, open_error
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability.parent_pipe import end_with_parent
from laban_collector.store.duckdb.durability.without_pandas import block_pandas

_AT_START: Final = (
    "durability/check_ledger",
    "write/last_commit",
    "write/ids_of_resources",
    "write/ids_of_scopes",
    "edges/counted",
    "read/extent",
    "read/oldest_lag",
)
"""What a collector reads when it starts; each table that it writes to is in one of them."""
_LATEST_START: Final = ("write/latest_start", {"until": 0})


def damage_of(path: Path) -> str | None:
    """Return why a file is damaged; None if it can be opened, or cannot be for another reason."""
    try:
        connection = duckdb.connect(path, read_only=True, config={"threads": 1})
    except duckdb.Error as error:
        return str(error) if isinstance(open_error(path, error), StoreDamaged) else None
    for query, parameters in (*((query, None) for query in _AT_START), _LATEST_START):
        try:
            connection.execute(sql(query), parameters).fetchall()
        except duckdb.CatalogException:  # an older version, or not laban's
            continue
        except duckdb.Error as error:
            if is_damage(error) or may_be_damage(error):
                return str(error)
    return None


def main() -> int:
    """Open the file that the command line names."""
    block_pandas()
    end_with_parent()
    reason = damage_of(Path(sys.argv[1]))
    if reason is not None:
        sys.stdout.write(reason)
    return int(reason is not None)


if __name__ == "__main__":
    sys.exit(main())
