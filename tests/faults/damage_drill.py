"""Damages the files of a killed collector at random, starts the next collector, and compares what it says."""

import json
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from unittest.mock import patch

from benchmarks.workload import report
from laban_collector.errors import CollectorError
from laban_collector.health import Health
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.housekeeping import verification
from laban_collector.store.duckdb.store import DuckDBStore

from .damaged_files import MUTATIONS, Killed, files_of, killed_collector

_PATIENCE: Final = 300.0
_WEIGHTS: Final = {"database": 6, "log": 2, "journal": 2, "ledger": 1, "metadata": 1}


class Trial(NamedTuple):
    """One mutation and what came of it.

    Attributes:
        file: which file was damaged.
        mutation: how.
        refused: why the collector did not start; None if it did.
        lost: acknowledged spans that are gone.
        reported: spans that the status says are lost.
        agrees: whether the status says that nothing is lost.
        twice: spans that are stored twice.
        whole: spans in the row groups that the mutation did not touch; 0 unless the database was damaged.
        rescued: those of them that are stored.
        seconds: until everything was verified and rescued.
        said: what the status says about losses.
    """

    file: str
    mutation: str
    refused: str | None = None
    lost: int = 0
    reported: int = 0
    agrees: bool = True
    twice: int = 0
    whole: int = 0
    rescued: int = 0
    seconds: float = 0.0
    said: str = ""

    @property
    def fails(self) -> bool:
        """Whether this must not happen."""
        return self.refused is not None or bool(self.twice) or (self.lost > 0 and self.agrees)


def run(folder: Path, count: int, seed: int) -> list[Trial]:
    """Try `count` random mutations."""
    chance = random.Random(seed)  # noqa: S311 - nothing is secret
    killed = killed_collector(folder)
    trials: list[Trial] = []
    for number in range(count):
        trial = _try(killed, folder / f"trial-{number}", chance)
        shutil.rmtree(folder / f"trial-{number}")
        trials.append(trial)
        if trial.fails or number % 20 == 19:
            print(f"{number + 1} of {count}: {trial}", file=sys.stderr, flush=True)
    return trials


def _try(killed: Killed, folder: Path, chance: random.Random) -> Trial:
    path = killed.copy_to(folder)
    found = list(files_of(path))
    kind, file = chance.choices(found, [_WEIGHTS[kind] for kind, _ in found])[0]
    name = chance.choice(list(MUTATIONS))
    mutate, before = MUTATIONS[name], file.read_bytes()
    if mutate is None:
        file.unlink()
        after = b""
    else:
        after = mutate(before, chance)
        file.write_bytes(after)
    trial = Trial(kind, name)
    began = time.monotonic()
    try:
        health, stored = collect(path)
    except (CollectorError, OSError, TimeoutError) as error:
        return trial._replace(refused=repr(error))
    whole = killed.whole(before, after) if kind == "database" else set[str]()
    return trial._replace(
        lost=len(set(killed.acknowledged) - stored.keys()),
        reported=_reported(health),
        agrees=health.ledger_agrees,
        twice=sum(times > 1 for times in stored.values()),
        whole=len(whole),
        rescued=len(whole & stored.keys()),
        seconds=time.monotonic() - began,
        said=health.ledger,
    )


def collect(path: Path) -> tuple[Health, Counter[str]]:
    """Start a collector, wait until it has verified and rescued everything; return what it says and has."""
    store = DuckDBStore.recover(path)
    try:
        storage = StorageService(store, RetentionLimits())
        try:
            with patch.object(verification, "_SHARE", 1.0):
                storage.start()
                health = _settled(storage)
            storage.settle()
            with store.database.reading() as cursor:
                stored = Counter(name for (name,) in cursor.execute("SELECT name FROM spans").fetchall())
        finally:
            storage.stop()
    finally:
        store.close()
    return health, stored


def _settled(storage: StorageService) -> Health:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        health = storage.health()
        busy = any(one.state in ("waiting", "running") for one in health.rescues)
        if health.verification.passes and not busy and storage.store.damage is None:
            return health
        time.sleep(0.02)
    raise TimeoutError(f"not settled: {storage.health()}")


def _reported(health: Health) -> int:
    """Spans that the status says are lost, as numbers."""
    return sum(one.lost for one in health.rescues)


def as_text(trials: Sequence[Trial]) -> str:
    """Return the figures as a table, by file and mutation."""
    kinds = Counter((trial.file, trial.mutation) for trial in trials)
    rows = [
        _row(f"{file}: {mutation}", [one for one in trials if (one.file, one.mutation) == (file, mutation)])
        for file, mutation in sorted(kinds)
    ]
    head = [
        "damage",
        "trials",
        "starts refused",
        "trials with losses",
        "spans lost",
        "losses that the status hides",
        "rescued of undamaged row groups",
        "median seconds",
    ]
    return f"{report.table(head, [*rows, _row('all', trials)])}\n\n{report.machine()}"


def _row(name: str, trials: Sequence[Trial]) -> list[str]:
    whole = sum(one.whole for one in trials)
    share = f"{100 * sum(one.rescued for one in trials) / whole:.2f} %" if whole else "–"
    seconds = sorted(one.seconds for one in trials)[len(trials) // 2]
    return [
        name,
        f"{len(trials):,}",
        f"{sum(one.refused is not None for one in trials):,}",
        f"{sum(one.lost > 0 for one in trials):,}",
        f"{sum(one.lost for one in trials):,}",
        f"{sum(one.lost > 0 and one.agrees for one in trials):,}",
        share,
        f"{seconds:.1f}",
    ]


def as_json(trials: Sequence[Trial]) -> str:
    """Return the sums as one JSON object."""
    whole = sum(one.whole for one in trials)
    return json.dumps(
        {
            "drill": "damage",
            "trials": len(trials),
            "refused": sum(one.refused is not None for one in trials),
            "hidden": sum(one.lost > 0 and one.agrees for one in trials),
            "understated": sum(one.lost > one.reported and not one.agrees for one in trials),
            "twice": sum(one.twice > 0 for one in trials),
            "lost": sum(one.lost for one in trials),
            "rescued": sum(one.rescued for one in trials) / whole if whole else None,
        }
    )
