"""Stores spans while `_write_log.c` logs the changes of all files; notes each acknowledgement in a file.

Loads, checkpoints, retention, and clean stops with new starts happen in between: power may fail in each.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

from laban_collector.ingest import loader
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.store import DuckDBStore

from ...collector.requests import span
from ...collector.store.duckdb.write.test_writer import batch
from ..drills import chances

_BATCHES: Final = 25
"""Batches between two starts."""
_WAIT_S: Final = 0.02


def main(path: Path, notes: Path, rounds: int, seed: int) -> None:
    """Run so many starts."""
    chance, number = chances(seed), 0
    loader.LONGEST_WAIT = _WAIT_S  # type: ignore[misc]  # many small loads
    noted = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for last in (*[False] * (rounds - 1), True):
        store = DuckDBStore.recover(path)
        storage = StorageService(store, RetentionLimits())
        storage.start()
        for _ in range(_BATCHES):
            numbers = range(number, number + chance.randrange(1, 30))
            number = numbers.stop
            storage.take(batch(*map(span, numbers)))
            os.write(noted, "".join(f"{one}\n" for one in numbers).encode())
            if chance.random() < 0.1:
                time.sleep(_WAIT_S)  # time for a load; nothing is waited for
            if chance.random() < 0.1:
                store.database.checkpoint()
        if last:
            os._exit(0)  # the journal stays, and the log of the changes can be compared with it
        storage.stop()
        store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
