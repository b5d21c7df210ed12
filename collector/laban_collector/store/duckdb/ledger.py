"""What was acknowledged against what is there: looked at when a collector starts, kept up while it runs."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from laban_collector.span_batch import SpanBatch
from laban_collector.store.base import Lag, SpanWriter, Written
from laban_collector.store.duckdb.database import Database, sql
from laban_collector.store.duckdb.tail import LedgerTail, Missing

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """How a database compares with its ledger.

    Attributes:
        commits: in the ledger of the database.
        missing: acknowledged after the newest of them, and not there: the log was cut short.
        different: commits of which other than the acknowledged number of spans is there.
        lacking: spans that these lack.
        surplus: spans that these have too many.
    """

    commits: int
    missing: Missing
    different: int
    lacking: int
    surplus: int

    @property
    def agrees(self) -> bool:
        """Whether all that was acknowledged is there, and nothing else."""
        return not self.missing.commits and not self.different

    def in_words(self) -> str:
        """One line for a person."""
        if self.agrees:
            return f"all of {self.commits:,} commits are there"
        found: list[str] = []
        if self.missing.commits:
            at_least = "" if self.missing.exact else "at least "
            found.append(
                f"the newest {self.missing.commits:,} acknowledged commits "
                f"({at_least}{self.missing.spans:,} spans) are missing"
            )
        if self.different:
            found.append(
                f"{self.different:,} commits differ "
                f"({self.lacking:,} spans missing, {self.surplus:,} too many)"
            )
        return "; ".join(found)


def compare(database: Database, tail: LedgerTail) -> LedgerReport:
    """Compare a database with its ledger and the ledger's tail. Reads one column of the spans.

    Raises:
        StoreError: DuckDB refused.
    """
    with database.reading() as cursor:
        [(last,)] = cursor.execute(sql("last_arrival")).fetchall()
        [row] = cursor.execute(sql("ledger_differences")).fetchall()
    return LedgerReport(row[0], tail.missing_after(int(last)), *map(int, row[1:]))


class LedgeredWriter(SpanWriter):
    """Notes each commit of another writer in the ledger's tail, before the senders hear of it.

    Args:
        writer: writes each batch in which anything is new as one commit, numbered on from the ledger.
        database: the one that it writes to.
        tail: kept by nobody else.
    """

    def __init__(self, writer: SpanWriter, database: Database, tail: LedgerTail) -> None:
        self._writer = writer
        self._tail = tail
        self._failed = False
        with database.reading() as cursor:
            [(self._arrival,)] = cursor.execute(sql("last_arrival")).fetchall()

    def write(self, batch: SpanBatch) -> Written:
        """Store a batch, and note it.

        Raises:
            StoreError: nothing of the batch was stored.
        """
        written = self._writer.write(batch)
        if written.spans:
            self._arrival += 1
            self._note(written.spans)
        return written

    def write_lag(self, rows: Sequence[Lag]) -> None:
        """Store one poll of the lag poller; the ledger counts no lag."""
        self._writer.write_lag(rows)

    def _note(self, spans: int) -> None:
        """The spans are stored: that they cannot be noted must not make the senders repeat them."""
        try:
            self._tail.record(self._arrival, spans)
        except OSError as error:
            if not self._failed:
                _log.exception(
                    "%s cannot be written (%s): a loss of the newest commits would go unseen.",
                    self._tail.path,
                    error,
                )
            self._failed = True
        else:
            self._failed = False
