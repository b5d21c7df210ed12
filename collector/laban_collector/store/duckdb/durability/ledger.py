"""What was acknowledged against what is there: looked at when a collector starts."""

from collections.abc import Sequence
from dataclasses import dataclass

from laban_collector.ingest.journal import Journaled
from laban_collector.ingest.ledger_ring import LedgerRing, Missing
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql


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


def compare(database: Database, ring: LedgerRing, left: Sequence[Journaled] = ()) -> LedgerReport:
    """Compare a database with its ledger and the ledger's ring. Reads one column of the spans.

    Args:
        database: open.
        ring: its ledger's.
        left: what is in its journal, and is not lost therefore.

    Raises:
        StoreError: DuckDB refused.
    """
    with database.reading() as cursor:
        [(last,)] = cursor.execute(sql("write/last_arrival")).fetchall()
        [row] = cursor.execute(sql("durability/ledger_differences")).fetchall()
    waiting = {one.sequence: one.batch.spans.num_rows for one in left}
    return LedgerReport(row[0], ring.missing_after(int(last), waiting), *map(int, row[1:]))
