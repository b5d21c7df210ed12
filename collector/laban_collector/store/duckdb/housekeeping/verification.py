"""Verifies a database in the background: reads every block and every row, a little at a time.

Blocks are read from the file and compared with their checksums; rows are read through DuckDB and compared
with the statistics of the file and with the ledger. A checksum finds bytes that changed; the others find
blocks that are whole and in the wrong place.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from laban_collector.errors import StoreDamaged, StoreError
from laban_collector.periodic import PeriodicThread
from laban_collector.store.base import LedgerCheck
from laban_collector.store.damage import Verification
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability import blocks
from laban_collector.store.duckdb.durability.checked_table import CheckedTable

INTERVAL: Final = 600.0
"""Seconds between two passes."""
_BYTES: Final = 8 << 20
"""Bytes of blocks that are read at once."""
_GROUP: Final = 122_880
"""Rows that are read in one transaction: a row group, or several small ones."""
_ROWS: Final = 16_384
"""Rows that are read at once."""
_SHARE: Final = 0.05
"""The share of one processor that a pass takes."""
_SETTLE: Final = 0.3
"""Seconds after which a wrong block is read again: the first time, it may have been half written."""
_READS: Final = 3

Pause = Callable[[float], bool]
"""Waits for some seconds; returns whether to end."""


class Verifier:
    """Verifies one database.

    Args:
        database: open.
        check_ledger: compares the spans with the ledger in the database.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        check_ledger: Callable[[], LedgerCheck],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._check_ledger = check_ledger
        self._clock = clock
        self._accepted: LedgerCheck | None = None
        """The first comparison: what it found, the start of the collector has reported."""
        self.result = Verification()

    def run(self, pause: Pause) -> bool:
        """Verify everything once; return whether the database is intact or `pause` ended the pass.

        Args:
            pause: called after each piece with the seconds to leave to others.

        Raises:
            StoreError: DuckDB refused for a reason other than damage.
        """
        began, blocks_read, rows_read = self._clock(), 0, 0
        try:
            for count in self._blocks(pause):
                blocks_read += count
            for count in self._rows(pause):
                rows_read += count
            self._compare_with_ledger(pause)
        except _Ended:
            return True
        except StoreDamaged as damage:
            self._database.declare_damaged(str(damage))
            self.result = self.result.model_copy(update={"state": "damaged", "damage": str(damage)})
            return False
        self._database.suspicion = None
        self.result = Verification(
            state="intact",
            passes=self.result.passes + 1,
            verified=self._clock(),
            seconds=self._clock() - began,
            blocks=blocks_read,
            rows=rows_read,
        )
        return True

    def _blocks(self, pause: Pause) -> Iterator[int]:
        """Read all blocks; yield their number step by step."""
        with self._database.descriptor() as descriptor:
            size = blocks.block_size(descriptor)
            self._judge(descriptor, blocks.damaged_headers(descriptor), size, pause)
            step = max(_BYTES // size, 1)
            first = 0
            while first < (count := blocks.number_of_blocks(descriptor, size)):
                began = time.thread_time()
                end = min(first + step, count)
                self._judge(descriptor, blocks.damaged(descriptor, first, end, size), size, pause)
                yield end - first
                first = end
                _leave(pause, time.thread_time() - began)

    def _judge(self, descriptor: int, wrong: list[blocks.Piece], size: int, pause: Pause) -> None:
        """Raise StoreDamaged if one of these pieces stays wrong, and the database uses it."""
        for _ in range(_READS if wrong else 0):
            if pause(_SETTLE):
                raise _Ended
            wrong = [piece for piece in wrong if not _is_intact(descriptor, piece)]
        for piece in wrong:
            if piece.offset < blocks.DATA or self.is_used((piece.offset - blocks.DATA) // size):
                raise StoreDamaged(f"the checksum of the {piece.size} bytes from {piece.offset} on is wrong")

    def is_used(self, block: int) -> bool:
        """Whether a table or the metadata of the file is in a block."""
        try:
            with self._database.reading() as cursor:
                tables = cursor.execute(sql("connection/tables")).fetchall()
                asked = [{"name": name, "block": block} for (name,) in tables]
                used = [cursor.execute(sql("durability/is_block_in_use"), one).fetchall() for one in asked]
                used += [cursor.execute(sql("durability/is_metadata_block"), {"block": block}).fetchall()]
        except StoreDamaged:
            return True
        return any(answer for [(answer,)] in used)

    def _rows(self, pause: Pause) -> Iterator[int]:
        """Read all rows, a row group at a time; yield their number."""
        with self._database.reading() as cursor:
            tables = [name for (name,) in cursor.execute(sql("connection/tables")).fetchall()]
        for table in tables:
            first: int | None = 0
            while first is not None:
                began = time.thread_time()
                count, first = self._read_group(table, first, pause)
                yield count
                _leave(pause, time.thread_time() - began)

    def _read_group(self, table: str, first: int, pause: Pause) -> tuple[int, int | None]:
        """Read a row group; return the number of rows, and the first row of the next one.

        DuckDB tells the statistics of the file as it is now, and not as the transaction sees it: a checkpoint
        may move rows in between. So wrong values count only if they stay wrong.
        """
        for _ in range(_READS):
            try:
                return self._read_group_once(table, first)
            except _WrongValues:
                if pause(_SETTLE):
                    raise _Ended from None
        try:
            return self._read_group_once(table, first)
        except _WrongValues as error:
            raise StoreDamaged(str(error)) from error

    def _read_group_once(self, table: str, first: int) -> tuple[int, int | None]:
        try:
            with self._database.reading() as cursor:
                checked = CheckedTable(cursor, table)
                checked.read_statistics()
                after = next((start for start in checked.starts if start >= first + _GROUP), None)
                end = checked.rows() if after is None else after
                count = 0
                for begin, last in _pieces(checked.starts, first, end):
                    count += checked.read(checked.columns, begin, last).num_rows
                return count, after
        except ValueError as error:
            raise _WrongValues(str(error)) from error
        except StoreError as error:
            if self._database.suspicion is None:
                raise
            raise StoreDamaged(f"{table} cannot be read from row {first} on: {error}") from error

    def _compare_with_ledger(self, pause: Pause) -> None:
        found = self._check_ledger()
        if self._accepted is None:
            self._accepted = found
        for _ in range(_READS):
            if (found.lacking, found.surplus) == (self._accepted.lacking, self._accepted.surplus):
                return
            if pause(_SETTLE):
                raise _Ended
            found = self._check_ledger()
        raise StoreDamaged(f"{found.different} commits differ from the ledger in the file")


class VerificationThread(PeriodicThread):
    """Verifies a database regularly.

    Args:
        verifier: of the database.
    """

    def __init__(self, verifier: Verifier) -> None:
        super().__init__("laban-verify", INTERVAL, "The database cannot be verified")
        self._verifier = verifier

    def work(self) -> None:
        """Verify everything once."""
        self._verifier.run(self.pause)


class _Ended(Exception):
    """The pass was ended."""


class _WrongValues(Exception):
    """Rows have values that the statistics of the file exclude; or the file changed while they were read."""


def _leave(pause: Pause, used: float) -> None:
    """Leave the processor to others in proportion to the seconds used."""
    if pause(used * (1 - _SHARE) / _SHARE):
        raise _Ended


def _pieces(starts: Sequence[int], first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last row of pieces, each within one row group: only so its statistics tell."""
    borders = [first, *(start for start in starts if first < start < end), end]
    for begin, after in itertools.pairwise(borders):
        for row in range(begin, after, _ROWS):
            yield row, min(row + _ROWS, after) - 1


def _is_intact(descriptor: int, piece: blocks.Piece) -> bool:
    words = blocks.words_of(os.pread(descriptor, piece.size, piece.offset))
    return len(words) * 8 == piece.size and blocks.is_intact(words)
