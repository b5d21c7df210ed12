"""The health of a collector, as plain values."""

from dataclasses import dataclass

from laban_collector.store.damage import Rescue, Verification


@dataclass(frozen=True, slots=True)
class LogCounts:
    """Log records since the start.

    Attributes:
        stored: newly stored.
        rejected: records rejected from accepted requests: without a trace, or too many of one.
        refused: requests refused.
        forgotten: deleted by retention.
    """

    stored: int = 0
    rejected: int = 0
    refused: int = 0
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a collector since it started.

    Attributes:
        received: spans in requests that could be decoded.
        stored: spans newly stored.
        duplicates: duplicates of stored spans.
        rejected: spans rejected from accepted requests.
        refused: requests refused, by reason.
        in_flight: bytes accepted and not yet acknowledged.
        unloaded: acknowledged spans in the journal that are not in the tables yet.
        commits: batches written to the journal.
        commit_mean: mean duration of a commit in seconds; None before the first.
        file: bytes of the database file.
        used: bytes in use within the file; the rest is reused.
        wal: bytes of the write-ahead log.
        forgotten: spans deleted by retention.
        ledger: the comparison of the database with its ledger at the start, as text.
        ledger_agrees: whether the database contained every acknowledged span.
        set_aside: names of quarantined damaged files next to the database.
        failure: why the database is not available; None if it is.
        doing: what is not finished since the start, or behind; empty if nothing is.
        verification: what the background verification of the database found.
        rescues: the rescues of damaged files.
        logs: log records, which the other counts leave out.
        others: calls that the map counts for other nodes, because an hour had too many names; by node.
    """

    received: int
    stored: int
    duplicates: int
    rejected: int
    refused: dict[str, int]
    in_flight: int
    unloaded: int
    commits: int
    commit_mean: float | None
    file: int
    used: int
    wal: int
    forgotten: int
    ledger: str
    ledger_agrees: bool
    set_aside: list[str]
    failure: str | None
    verification: Verification
    rescues: list[Rescue]
    others: dict[str, int]
    doing: str = ""
    logs: LogCounts = LogCounts()
