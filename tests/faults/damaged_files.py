"""The files of a killed collector, many times smaller than real ones, and random damage to them."""

import random
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple
from unittest.mock import patch

import duckdb

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.ingest import loader
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import wal_of
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability import blocks
from laban_collector.store.duckdb.durability.saved_metadata import metadata_path, save
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.sidecar_files import journal_paths, ring_path

from ..collector.requests import body, span

GROUP: Final = 2048
"""Spans of a row group: 1/60 of a real one."""
_BLOCK: Final = 16_384
"""Bytes of a block: 1/16 of a real one, and the smallest that DuckDB allows."""
_BATCH: Final = 256
IN_FILE: Final = 10 * GROUP
"""Spans that a checkpoint has written into the file."""
_IN_LOG: Final = GROUP
_IN_JOURNAL: Final = 512


class Killed(NamedTuple):
    """The files of a killed collector.

    Attributes:
        path: its database.
        acknowledged: the names of all spans, in the order in which they were acknowledged.
        groups: the row group of each span in the file.
        blocks: the row groups of each block of the file.
    """

    path: Path
    acknowledged: tuple[str, ...]
    groups: dict[str, int]
    blocks: dict[int, set[int]]

    def copy_to(self, folder: Path) -> Path:
        """Copy the files; return the path of the database."""
        shutil.copytree(self.path.parent, folder)
        return folder / self.path.name

    def whole(self, before: bytes, after: bytes) -> set[str]:
        """Return the spans of the row groups whose blocks a mutation has not changed."""
        changed: set[int] = set()
        for block, groups in self.blocks.items():
            place = slice(blocks.DATA + block * _BLOCK, blocks.DATA + (block + 1) * _BLOCK)
            if before[place] != after[place]:
                changed |= groups
        return {name for name, group in self.groups.items() if group not in changed}


def killed_collector(folder: Path) -> Killed:
    """Make the files: spans in the database, in its log, and in the journal."""
    made, path = folder / "made", folder / "killed" / "spans.duckdb"
    made.mkdir()
    path.parent.mkdir()
    numbers = iter(range(IN_FILE + _IN_LOG + _IN_JOURNAL))
    _store(made / "spans.duckdb", [next(numbers) for _ in range(IN_FILE)])
    _in_small_groups(made / "spans.duckdb", path)
    ring_path(made / "spans.duckdb").rename(ring_path(path))
    running = folder / "running" / "spans.duckdb"
    path.parent.rename(running.parent)
    with patch.object(loader, "LONGEST_WAIT", 3600.0):
        store = DuckDBStore.recover(running)
        storage = StorageService(store, RetentionLimits())
        storage.start()
        for _ in range(_IN_LOG // _BATCH):
            _take(storage, [next(numbers) for _ in range(_BATCH)])
            storage.settle()
        for _ in range(_IN_JOURNAL // _BATCH):
            _take(storage, [next(numbers) for _ in range(_BATCH)])
        save(store.database)
        shutil.copytree(running.parent, path.parent)  # as a kill leaves them
        storage.stop()
        store.close()
    names = tuple(f"span {number}" for number in range(IN_FILE + _IN_LOG + _IN_JOURNAL))
    assert wal_of(path).exists()
    return Killed(path, names, *_layout(path))


def _store(path: Path, numbers: list[int]) -> None:
    store = DuckDBStore.recover(path)
    storage = StorageService(store, RetentionLimits())
    storage.start()
    for first in range(0, len(numbers), _BATCH):
        _take(storage, numbers[first : first + _BATCH])
        storage.settle()
    storage.stop()
    store.close()


def _take(storage: StorageService, numbers: list[int]) -> None:
    spans = [
        span(number, {"order.id": str(number), "user.id": str(uuid.UUID(int=number))}) for number in numbers
    ]
    for number, one in zip(numbers, spans, strict=True):
        one.trace_id = (1 + number // 8).to_bytes(16)
        if number % 10 == 0:
            one.events.add(time_unix_nano=one.start_time_unix_nano, name="paid")
    storage.take(decode([body(*spans)], KeyFinder()).batch)


def _in_small_groups(source: Path, target: Path) -> None:
    """Copy a database to one with small row groups and blocks."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{source}' AS source (READ_ONLY)")
        connection.execute(
            f"ATTACH '{target}' AS target "
            f"(ROW_GROUP_SIZE {GROUP}, BLOCK_SIZE {_BLOCK}, STORAGE_VERSION 'latest')"
        )
        connection.execute("USE target")
        connection.execute(sql("connection/schema"))
        names = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'source'"
        ).fetchall()
        for (name,) in names:
            connection.execute(f"INSERT INTO target.{name} FROM source.{name}")
        connection.execute("CHECKPOINT target")


def _layout(path: Path) -> tuple[dict[str, int], dict[int, set[int]]]:
    with duckdb.connect(path, read_only=True) as connection:
        segments = connection.execute(
            "SELECT row_group_id, block_id, additional_block_ids FROM pragma_storage_info('spans') "
            "WHERE persistent"
        ).fetchall()
        rows = connection.execute("SELECT name, rowid FROM spans").fetchall()
    used: dict[int, set[int]] = {}
    for group, block, more in segments:
        for one in (block, *more):
            used.setdefault(one, set()).add(group)
    return {name: row // GROUP for name, row in rows if row < IN_FILE}, used


Mutation = Callable[[bytes, random.Random], bytes]


def _flipped_bit(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def _zeroed(content: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(content)), chance.choice((16, 512, 4096, 3 * _BLOCK))
    return content[:at] + bytes(len(content[at : at + length])) + content[at + length :]


def _truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _swapped(content: bytes, chance: random.Random) -> bytes:
    """Exchange two blocks."""
    count = (len(content) - blocks.DATA) // _BLOCK
    if count < 2:
        return _flipped_bit(content, chance)
    first, second = (blocks.DATA + number * _BLOCK for number in sorted(chance.sample(range(count), 2)))
    one, other = content[first : first + _BLOCK], content[second : second + _BLOCK]
    return content[:first] + other + content[first + _BLOCK : second] + one + content[second + _BLOCK :]


def _torn(content: bytes, chance: random.Random) -> bytes:
    """Replace a sector by random bytes, as after a write that a power cut interrupted."""
    at = chance.randrange(max(len(content) // 512, 1)) * 512
    return content[:at] + chance.randbytes(len(content[at : at + 512])) + content[at + 512 :]


def _appended(content: bytes, chance: random.Random) -> bytes:
    return content + chance.randbytes(chance.randrange(1, 100_000))


def _emptied(content: bytes, chance: random.Random) -> bytes:
    return b""


MUTATIONS: Final[dict[str, Mutation | None]] = {
    "flipped bit": _flipped_bit,
    "zeroed range": _zeroed,
    "cut off": _truncated,
    "exchanged blocks": _swapped,
    "torn sector": _torn,
    "appended bytes": _appended,
    "emptied": _emptied,
    "missing": None,
}
"""Random damage to one file, by name; None: the file is removed."""


def files_of(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a killed collector that a drill damages."""
    yield "database", path
    yield "log", wal_of(path)
    yield "ledger", ring_path(path)
    yield "metadata", metadata_path(path)
    yield from (("journal", journal) for journal in journal_paths(path) if journal.exists())
