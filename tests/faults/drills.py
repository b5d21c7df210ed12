"""The failures that a collector must survive. Each drill causes a real failure and returns its figures."""

import os
import random
import resource
import shutil
import socket
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TextIO

import httpx

from laban_collector.errors import StoreLocked
from laban_collector.ingest.ledger import LedgerReport
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.duckdb.durability.recovery import open_or_quarantine
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.sidecar_files import journal_paths, quarantined

from .. import forked
from ..forked import ForkedCommand
from ..serving import Serving, serving
from .sending import Senders, stored

VICTIM: Final = Path(__file__).with_name("victim.py")
_PATIENCE: Final = 30
_SOME: Final = 20_000
"""Minimum size of a file, in bytes, before a drill damages it."""


class Outcome(NamedTuple):
    """The figures of a drill.

    Attributes:
        rounds: number of failures caused.
        acknowledged: number of acknowledged spans.
        lost: acknowledged spans that were missing afterwards.
        seconds: the longest time that the collector needed to answer again or to exit.
    """

    rounds: int
    acknowledged: int
    lost: int
    seconds: float


class Victim(NamedTuple):
    """A collector that a drill kills, and what it prints."""

    process: ForkedCommand
    output: TextIO


@contextmanager
def victim(path: Path, *, checkpoints: bool = False) -> Generator[Victim, None, None]:
    """Run a collector and kill it at the end of the block."""
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as output:
        process = forked.start(
            [str(path), "checkpoints" if checkpoints else "-"],
            module=f"{__package__}.{VICTIM.stem}",
            environment=os.environ,
            stdout=writing,
        )
        os.close(writing)
        started = Victim(process, output)
        try:
            assert line_of(started) == "opening"
            yield started
        finally:
            process.kill()
            process.wait()


def chances(seed: int) -> random.Random:
    """Return the generator of random moments and positions."""
    return random.Random(seed)  # noqa: S311 - nothing is secret


def line_of(started: Victim) -> str:
    """Return the next line that a victim prints."""
    return started.output.readline().strip()


def report_of(path: Path) -> LedgerReport:
    """Compare a closed database with its ledger."""
    with _opened(path) as database:
        storage = StorageService(DuckDBStore(database), RetentionLimits())
        storage.start()  # loads the journal
        storage.stop()
        return storage.report


def _opened(path: Path) -> Database:
    """Open the database of a killed collector, which may have been trying to open it in another process: this
    one ends a moment later. A collector waits for it, too."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return open_or_quarantine(path)
        except StoreLocked:
            if time.monotonic() >= end:
                raise
            time.sleep(0.01)


def killed_in_insert(folder: Path, rounds: int, seed: int) -> Outcome:
    """SIGKILL while senders send."""
    return _killed(folder, rounds, seed, checkpoints=False)


def killed_in_checkpoint(folder: Path, rounds: int, seed: int) -> Outcome:
    """SIGKILL in the first milliseconds of a checkpoint, while senders send."""
    return _killed(folder, rounds, seed, checkpoints=True)


def _killed(folder: Path, rounds: int, seed: int, *, checkpoints: bool) -> Outcome:
    path, senders, chance = folder / "killed.duckdb", Senders(), chances(seed)
    longest = 0.0
    for _ in range(rounds):
        with victim(path, checkpoints=checkpoints) as started:
            began = time.monotonic()
            address = line_of(started)
            longest = max(longest, time.monotonic() - began)
            with senders.sending(address, at_least=chance.randrange(200, 600)):
                if checkpoints:
                    assert line_of(started) == "checkpoint"
                    time.sleep(chance.uniform(0, 0.02))  # a random moment, not a wait for a condition
                started.process.kill()
        assert report_of(path).agrees
    return _outcome(path, senders, rounds, longest)


def killed_at_start(folder: Path, rounds: int, seed: int) -> Outcome:
    """SIGKILL while the collector opens the file, with a log to replay and a journal to load."""
    path, senders, chance = folder / "start.duckdb", Senders(), chances(seed)
    with victim(path) as started, senders.sending(line_of(started), at_least=2000):
        _until(wal_of(path).exists)
        started.process.kill()
    assert any(_size(file) for file in journal_paths(path))
    for _ in range(rounds):
        with victim(path):
            time.sleep(chance.uniform(0, 0.1))  # a random moment
    assert report_of(path).agrees
    return _outcome(path, senders, rounds, 0.0)


def disk_full(folder: Path, rounds: int, seed: int) -> Outcome:
    """Files cannot grow for a while: commits and checkpoints fail, and senders are told to retry."""
    path, senders, chance, longest = folder / "full.duckdb", Senders(), chances(seed), 0.0
    with victim(path, checkpoints=True) as started:
        address = line_of(started)
        for _ in range(rounds):
            with senders.sending(address, at_least=chance.randrange(200, 600)):
                _limit_files(started.process, max(map(_size, (path, wal_of(path), *journal_paths(path)))))
                _until(lambda: line_of(started) == "checkpoint failed")
                refused = senders.statuses.get(503, 0)
                _until(lambda: senders.statuses.get(503, 0) > refused)  # noqa: B023 - called immediately
                _limit_files(started.process, resource.RLIM_INFINITY)
                began, before = time.monotonic(), len(senders.acknowledged)
                _until(lambda: len(senders.acknowledged) > before)  # noqa: B023
                longest = max(longest, time.monotonic() - began)
            assert senders.retryable, senders.statuses
    assert report_of(path).agrees
    return _outcome(path, senders, rounds, longest)


def slow_clients(folder: Path, rounds: int, seed: int) -> Outcome:
    """Clients send half a request: other senders get answers, and SIGTERM ends the collector in time."""
    del seed
    path, senders, longest = folder / "slow.duckdb", Senders(), 0.0
    for _ in range(rounds):
        with serving(path) as collector, ExitStack() as slow:
            for _ in range(50):
                slow.enter_context(_half_a_request(collector))
            with senders.sending(collector.http, at_least=400):
                began = time.monotonic()
                collector.process.terminate()
                assert collector.process.wait(_PATIENCE) == 0
                longest = max(longest, time.monotonic() - began)
        assert not wal_of(path).exists(), "the log was not written into the database file"
    return _outcome(path, senders, rounds, longest)


def truncated_log(folder: Path, rounds: int, seed: int) -> Outcome:
    """A truncated log: the collector reports the number of missing commits and keeps the rest."""
    return _damaged(folder, rounds, seed, _cut_soon, ".wal", lambda path: [wal_of(path)])


def truncated_journal(folder: Path, rounds: int, seed: int) -> Outcome:
    """A truncated journal: the collector reports the loss and keeps a copy."""
    return _damaged(folder, rounds, seed, _cut, ".journal-0", _two_files)


def damaged_log(folder: Path, rounds: int, seed: int) -> Outcome:
    """A log with a wrong byte: quarantined and reported; all spans up to the last checkpoint remain."""
    return _damaged(folder, rounds, seed, _flip, ".wal", lambda path: [wal_of(path)])


def damaged_journal(folder: Path, rounds: int, seed: int) -> Outcome:
    """A journal with a wrong byte: the collector loads all before it and keeps a copy."""
    return _damaged(folder, rounds, seed, _flip, ".journal-0", _two_files)


def _two_files(path: Path) -> list[Path]:
    """Return the two journal files that the collector uses while DuckDB keeps up."""
    return list(journal_paths(path)[:2])


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) // 2)]


def _cut_soon(content: bytes, chance: random.Random) -> bytes:
    """Cut within the first of many commits; the journal may also hold the last ones."""
    return content[: chance.randrange(_SOME)]


def _flip(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) // 4, len(content) // 2)
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def _damaged(
    folder: Path,
    rounds: int,
    seed: int,
    damage: Callable[[bytes, random.Random], bytes],
    suffix: str,
    files: Callable[[Path], list[Path]],
) -> Outcome:
    """Kill a collector when all these files exist, and damage them."""
    # One sender makes fewer commits than the ledger ring holds, so the report is exact.
    path, senders, chance, found = folder / "log.duckdb", Senders(threads=1), chances(seed), 0
    for number in range(1, rounds + 1):
        with victim(path) as started, senders.sending(line_of(started), at_least=400):
            _until(lambda: _first_in_journal(path) > 0)
            _until(partial(_has_turned, path, files(path), _first_in_journal(path)))
            started.process.kill()
        for file in files(path):
            file.write_bytes(damage(file.read_bytes(), chance))
        report = report_of(path)
        assert report.missing.commits
        assert report.missing.exact
        found += report.missing.spans
        assert len([aside for aside in quarantined(path) if aside.suffix == suffix]) == number
        assert report_of(path).agrees, "the next start must not report the loss again"
    names = set(stored(path))
    lost = len(senders.acknowledged - names)
    # If the kill interrupts an answer, the commit is in the ledger but not among the acknowledged ones.
    assert lost <= found, "the ledger must report every lost span"
    return Outcome(rounds, len(senders.acknowledged), lost, 0.0)


def _has_turned(path: Path, files: Sequence[Path], first: int) -> bool:
    """Whether the journal reuses its first file, so its first spans are only in the database."""
    return all(_size(file) > _SOME for file in files) and _first_in_journal(path) > first


def _first_in_journal(path: Path) -> int:
    """Return the number of the first batch in the first journal file, or 0 if there is none."""
    first = journal_paths(path)[0]
    return int.from_bytes(first.read_bytes()[8:16], "little") if first.exists() else 0


def broken_file(folder: Path, rounds: int, seed: int) -> Outcome:
    """An unreadable database: the collector quarantines it unchanged and creates a new one next to it."""
    path, senders, chance = folder / "broken.duckdb", Senders(), chances(seed)
    for number in range(1, rounds + 1):
        senders = Senders()
        with serving(path) as collector, senders.sending(collector.http, at_least=200):
            collector.process.terminate()
            collector.process.wait(_PATIENCE)
        whole = path.read_bytes()
        at = chance.randrange(20, 60)
        broken = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        path.write_bytes(broken)
        with serving(path) as collector:
            status = httpx.get(f"{collector.url}/api/v1/status").json()
        others = (".wal", ".ledger", ".metadata")
        [*_, aside] = [found for found in quarantined(path) if found.suffix not in others]
        assert aside.name in status["collector"]["set_aside"]
        assert aside.read_bytes() == broken
        assert len(status["collector"]["set_aside"]) >= number
        aside.write_bytes(whole)  # after a manual repair, all spans are there
        shutil.copyfile(aside, folder / "repaired.duckdb")
    return _outcome(folder / "repaired.duckdb", senders, rounds, 0.0)


DRILLS: Final[dict[str, Callable[[Path, int, int], Outcome]]] = {
    drill.__name__: drill
    for drill in (
        killed_in_insert,
        killed_in_checkpoint,
        killed_at_start,
        disk_full,
        slow_clients,
        truncated_log,
        damaged_log,
        truncated_journal,
        damaged_journal,
        broken_file,
    )
}
"""All drills; each takes an empty folder, a number of rounds and a seed."""

LOSSY: Final = frozenset({"truncated_log", "damaged_log", "truncated_journal", "damaged_journal"})
"""Drills that destroy acknowledged spans; the collector must report the loss."""


def _outcome(path: Path, senders: Senders, rounds: int, seconds: float) -> Outcome:
    names = stored(path)
    assert len(names) == len(set(names)), "stored twice"
    lost = senders.acknowledged - set(names)
    return Outcome(rounds, len(senders.acknowledged), len(lost), round(seconds, 2))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _limit_files(process: ForkedCommand, size: int) -> None:
    """Limit the size of a collector's files. A limit at their present size acts like a full disk.

    A smaller limit would also prevent overwriting existing data. A full disk does not do this, and DuckDB's
    file would break.
    """
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.01)


@contextmanager
def _half_a_request(collector: Serving) -> Generator[None, None, None]:
    host, _, port = collector.http.rpartition(":")
    head = (
        f"POST /v1/traces HTTP/1.1\r\nhost: {collector.http}\r\n"
        "content-type: application/x-protobuf\r\ncontent-length: 1000\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"\x0a")
        yield
