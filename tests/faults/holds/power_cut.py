"""Power cuts: `count` cuts at random moments between two changes of the disk.

A process stores spans while each of its changes of files, and each sync, is logged (this needs a C compiler).
For each cut, the files are rebuilt as the disk may hold them: everything that was synced, and any sectors of
what was not. Every span that was acknowledged before the cut must be there, and the ledger must agree.
A block of the database file (256 KiB) is written as a whole or not at all: see `_disk.py`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from laban_collector.store.sidecar_files import quarantined

from ..drills import VICTIM, chances, report_of
from ..sending import stored
from . import Held, Size
from ._disk import Change, Disk, changes, write_files

_SOURCE: Final = Path(__file__).with_name("_write_log.c")
_CUTS_PER_START: Final = 20


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
    moments = sorted(chance.sample(range(len(made)), min(size.count, len(made))))
    disk, position, checked = Disk(), 0, 0
    acknowledged: list[str] = []
    for moment in moments:
        for change in made[position:moment]:
            disk.apply(change)
            if change.kind == b"W" and change.inode == _inode(disk_folder / "notes"):
                acknowledged += change.data.decode().split()
        position = moment
        after = folder / "after"
        write_files(disk.after_a_cut(chance), disk_folder, after)
        _check(after / "spans.duckdb", acknowledged, moment)
        shutil.rmtree(after, ignore_errors=True)
        checked += 1
    return Held(
        f"{checked:,} cuts in {len(made):,} changes of files, {rounds} starts",
        f"{len(acknowledged):,} spans acknowledged, 0 lost; every start agreed",
    )


def _check(path: Path, acknowledged: list[str], moment: int) -> None:
    path.parent.mkdir(exist_ok=True)
    report = report_of(path)
    assert report.agrees, (moment, report.in_words())
    assert not quarantined(path), (moment, quarantined(path))
    names = stored(path)
    assert len(names) == len(set(names)), (moment, "stored twice")
    lost = {f"span {number}" for number in acknowledged} - set(names)
    assert not lost, (moment, sorted(lost)[:10])


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
