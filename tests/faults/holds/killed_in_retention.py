"""SIGKILL while retention deletes and senders send: `count` kills.

After each kill the ledger agrees with the spans. Retention deletes the oldest: no acknowledged span is
missing that arrived after one that is stored.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..drills import chances, report_of
from ..sending import Senders, stored
from . import Held, Size
from ._forked import forked

_AGE: Final = "0.3s"
_THREADS: Final = 4
_REORDERED: Final = _THREADS * 20 * 8
"""Spans that may arrive before spans with lower numbers: the requests that are sent at the same time."""
_CHECKED: Final = 10
"""The spans are compared after this many kills; the ledger after each."""


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    path, senders, chance = folder / "retention.duckdb", Senders(_THREADS), chances(size.seed)
    longest, deleted = 0.0, 0
    for number in range(size.count):
        began = time.monotonic()
        with forked(path, retention=_AGE) as (process, address):
            longest = max(longest, time.monotonic() - began)
            with senders.sending(address, at_least=chance.randrange(100, 400)):
                time.sleep(chance.uniform(0.2, 0.5))  # a random moment; retention begins after 0.3 s
                process.kill()
        report = report_of(path)
        assert report.agrees, report.in_words()
        if number % _CHECKED == 0 or number == size.count - 1:
            deleted = deleted_by_retention(stored(path), senders)
    return Held(
        f"{size.count:,} kills",
        f"{len(senders.acknowledged):,} spans acknowledged, {deleted:,} deleted by retention, 0 lost; ready "
        f"after {longest:.1f} s at most",
    )


def deleted_by_retention(names: Sequence[str], senders: Senders) -> int:
    """Return the number of deleted spans, all of which are older than the stored ones."""
    assert len(names) == len(set(names)), "stored twice"
    missing = sorted(int(name.split()[1]) for name in senders.acknowledged - set(names))
    if missing:
        kept_before = sum(int(name.split()[1]) < missing[-1] for name in names)
        assert kept_before <= _REORDERED, f"{kept_before} spans before {missing[-1]}, which is missing"
    return len(missing)
