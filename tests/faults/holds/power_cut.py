"""Power cuts: `count` cuts at random moments between two changes of the disk.

A process stores spans while each of its changes of files, and each sync, is logged (this needs a C compiler).
For each cut, the files are rebuilt as the disk may hold them: everything that was synced, and any sectors of
what was not. Every span that was acknowledged before the cut must be there, and the ledger must agree.
A third of the cuts is within a write to a block of metadata, which DuckDB rewrites in place. Such a cut may
damage the file: the collector must set it aside, and rescue every span.
"""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from ..damage_drill import collect
from ..drills import VICTIM, chances
from . import Held, Size
from ._disk import Change, Disk, changes, write_files

_SOURCE: Final = Path(__file__).with_name("_write_log.c")
_CUTS_PER_START: Final = 20
_TORN: Final = 1 / 3
"""The share of cuts within a write to a block of metadata."""


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    chance = chances(size.seed)
    rounds = max(2, size.count // _CUTS_PER_START)
    disk_folder = folder / "disk"
    made = _made(folder, disk_folder, rounds, size.seed)
    found = {
        path: Path(path).read_bytes() for path in map(str, disk_folder.rglob("*")) if Path(path).is_file()
    }
    assert _replayed(made).whole() == found, "the log of the changes is not complete"
    disk, position = Disk(), 0
    acknowledged: list[str] = []
    set_aside = 0
    cuts = _cuts(made, size.count, chance)
    for moment, torn in cuts:
        for change in made[position:moment]:
            disk.apply(change)
            if change.kind == b"W" and change.inode == _inode(disk_folder / "notes"):
                acknowledged += change.data.decode().split()
        position = moment
        after = folder / "after"
        write_files(disk.after_a_cut(chance, torn=torn), disk_folder, after)
        set_aside += _check(after / "spans.duckdb", acknowledged, moment)
        shutil.rmtree(after, ignore_errors=True)
    within = sum(torn for _, torn in cuts)
    return Held(
        f"{len(cuts):,} cuts in {len(made):,} changes of files, {within:,} of them within a rewritten block; "
        f"{rounds} starts",
        f"{len(acknowledged):,} spans acknowledged, 0 lost; every status agreed; {set_aside:,} files rescued",
    )


def _cuts(made: list[Change], count: int, chance: random.Random) -> list[tuple[int, bool]]:
    """Return the moments of the cuts, in order, and whether each is within a block that is rewritten."""
    disk, rewriting = Disk(), list[int]()
    for number, change in enumerate(made, 1):
        disk.apply(change)
        if disk.rewriting:
            rewriting.append(number)
    assert rewriting, "no block was rewritten in place"
    torn = max(1, int(count * _TORN))
    anywhere = chance.sample(range(len(made)), min(count - torn, len(made)))
    cuts = [(moment, False) for moment in anywhere]
    return sorted(cuts + [(moment, True) for moment in chance.choices(rewriting, k=torn)])


def _check(path: Path, acknowledged: list[str], moment: int) -> bool:
    """Start a collector, wait for its verification and rescues; return whether it has set a file aside."""
    path.parent.mkdir(exist_ok=True)
    health, stored = collect(path)
    assert health.ledger_agrees, (moment, health.ledger)
    assert not any(times > 1 for times in stored.values()), (moment, "stored twice")
    lost = {f"span {number}" for number in acknowledged} - stored.keys()
    assert not lost, (moment, sorted(lost)[:10])
    return any(rescue.file for rescue in health.rescues)


def _made(folder: Path, disk_folder: Path, rounds: int, seed: int) -> list[Change]:
    """Run the process, and return its changes."""
    library, log = folder / "write_log.so", folder / "changes"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"], check=True)
    disk_folder.mkdir()
    command = [sys.executable, "-m", "tests.faults.holds._written", str(disk_folder / "spans.duckdb")]
    command += [str(disk_folder / "notes"), str(rounds), str(seed)]
    environment = os.environ | {
        "LD_PRELOAD": str(library),
        "LABAN_LOGGED": str(disk_folder),
        "LABAN_WRITE_LOG": str(log),
    }
    subprocess.run(command, cwd=VICTIM.parents[2], env=environment, check=True)
    return list(changes(log.read_bytes()))


def _replayed(made: list[Change]) -> Disk:
    disk = Disk()
    for change in made:
        disk.apply(change)
    return disk


def _inode(path: Path) -> int:
    return path.stat().st_ino
