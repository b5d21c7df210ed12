"""How a collector is doing, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """How a collector is doing, since it started.

    Attributes:
        received: spans in requests that could be decoded.
        stored: spans newly stored.
        duplicates: spans that were already stored.
        rejected: spans refused in requests otherwise accepted.
        refused: requests refused, by reason.
        in_flight: bytes accepted and not yet acknowledged.
        unloaded: spans acknowledged, and in the journal, not yet in the tables.
        commits: batches written to the journal.
        commit_mean: seconds that a commit took, on average; None before the first.
        file: bytes of the database file.
        used: bytes of it in use; the rest is reused.
        wal: bytes of the write-ahead log.
        forgotten: spans deleted by the retention.
        ledger: how the database compared with its ledger at the start, in words.
        ledger_agrees: whether all that was acknowledged was there.
        set_aside: names of damaged files that lie beside the database.
        failure: why the database answers nothing at the moment; None when it does.
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
