"""The changes of edges by one counting step, as the totals take them."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from typing import Final, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.totals.bounds import BOUND_OF
from laban_collector.store.edge_totals import BOUNDS
from laban_collector.store.rows import OTHER_EDGES

_MOST: Final = 50_000
"""Changes of one step that are told apart; the others are changes of the edge of all others."""
SERVED, DELIVERED, HANDLED = "served", "delivered", "handled"
"""The first words of `part` in rows that are for the totals only."""
_ONLY_TOTALS: Final = [
    SERVED,
    *(f"{one} {how}" for one in (DELIVERED, HANDLED) for how in ("receive", "process")),
]


class EdgePart(NamedTuple):
    """What a change is about: a row of the table `edges` without its minute and its evidence.

    Attributes:
        bound: index of the first of `BOUNDS` that its latencies do not exceed; None without latencies.
    """

    source: str
    target: str
    address: str | None
    rpc_service: str | None
    flow: str | None
    part: str | None
    is_async: bool
    bound: int | None


class Amounts(NamedTuple):
    """How much a total changes; negative amounts correct earlier ones."""

    calls: int = 0
    errors: int = 0
    timed: int = 0
    elapsed: int = 0

    def plus(self, other: "Amounts") -> "Amounts":
        """Return the sum."""
        return Amounts(
            self.calls + other.calls,
            self.errors + other.errors,
            self.timed + other.timed,
            self.elapsed + other.elapsed,
        )

    def gains(self) -> "Amounts":
        """Return the positive amounts."""
        return Amounts(max(self.calls, 0), max(self.errors, 0), max(self.timed, 0), max(self.elapsed, 0))

    def losses(self) -> "Amounts":
        """Return the negative amounts."""
        return Amounts(min(self.calls, 0), min(self.errors, 0), min(self.timed, 0), min(self.elapsed, 0))


NOTHING: Final = Amounts()


class Change(NamedTuple):
    """One change; `proven` means that a span of the callee itself was found."""

    about: EdgePart
    amounts: Amounts
    proven: bool


def changes_of(cursor: duckdb.DuckDBPyConnection, changes: pa.Table) -> list[Change]:
    """Return what some changes of `edges` mean for the totals."""
    if not changes.num_rows:
        return []
    cursor.register("edge_changes", changes)
    parameters = {"bounds": BOUND_OF, "beyond": len(BOUNDS)}
    rows = cursor.execute(sql("totals/changes"), parameters).fetchall()
    found = [Change(EdgePart(*row[:8]), Amounts(*row[8:12]), row[12]) for row in rows]
    if len(found) <= _MOST:
        return found
    rest: dict[EdgePart, Amounts] = {}
    for about, amounts, _ in found[_MOST:]:
        other = EdgePart(OTHER_EDGES, OTHER_EDGES, None, None, None, None, about.is_async, about.bound)
        rest[other] = rest.get(other, NOTHING).plus(amounts)
    return found[:_MOST] + [Change(about, amounts, False) for about, amounts in rest.items()]


def without_totals(changes: pa.Table) -> pa.Table:
    """Return changes without the rows that are for the totals only."""
    part = pc.field("part")
    return changes.filter(part.is_null() | ~part.isin(_ONLY_TOTALS))
