"""Breaks random systems of services in known ways, and counts how often their stories tell the truth.

`./run bench truth [--seeds A-B] [--kind K] [--age 26h] [--at-once] [--slices 10] [--show] [--keep DIR]
[--publish]` simulates a system for each seed and kind of cause: usual orders, then one fault. Seeds 0–99 are
for working on the rules. Seeds from 1000 on are for the published tables: nobody may look at their stories.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.simulation.faults import KINDS
from benchmarks.simulation.judging import Score, judge, total
from benchmarks.simulation.recording import requests
from benchmarks.simulation.simulation import simulate
from benchmarks.workload import report

_TRUTH: Final = Path(__file__).resolve().parents[1] / "docs" / "truth.md"
_PUBLISHED: Final = range(1000, 1020)
_PUBLISHED_OLD: Final = range(1000, 1008)
"""Fewer, because each table takes as long again."""
_AGO: Final = 80 * 60 * 10**9
"""How long before now the orders begin, in ns: the longest simulation takes a little more than an hour."""
_KEPT_SECRET: Final = 1000
_SHOWN: Final = 2
"""Stories of a system that are wrong in the same way."""
_WITH_ROOT: Final = frozenset({"error", "timed_out", "unreachable"})


class Size(NamedTuple):
    """How many orders a system has, and how many stories are asked.

    Attributes:
        usual: orders before the fault.
        affected: orders that the fault affects.
        asked: of the usual orders.
    """

    usual: int
    affected: int
    asked: int


class Way(NamedTuple):
    """How the spans of a system come to the one who asks for stories.

    Attributes:
        age: how many seconds later than soon after the fault began the stories are read.
        at_once: whether all spans come together, as in a file, and not as they were made.
        slices: the minutes by which profiles are kept; more than one if a collector had much to count since.
    """

    age: int = 0
    at_once: bool = False
    slices: int = 1

    @property
    def told(self) -> str:
        """The heading of its tables."""
        words = [
            f"{self.age / _HOUR:.3g} hours later" if self.age else "Read soon after the fault began",
            *(["from a file that was imported"] if self.at_once else []),
            *([f"with profiles in slices of {self.slices} minutes"] if self.slices > 1 else []),
        ]
        return ", ".join(words)


_HOUR: Final = 3600
_LIVE: Final = Way()
_BUSY: Final = Way(26 * _HOUR, slices=10)
_IMPORTED: Final = Way(26 * _HOUR, at_once=True)


def judged(seed: int, kind: str, size: Size, way: Way) -> Score:
    """Simulate one system, and judge its stories."""
    begin = time.time_ns() - _AGO - way.age * 10**9
    simulated = simulate(seed, kind, size.usual, size.affected, begin)
    score = judge(simulated, size.asked, at_once=way.at_once, minutes=way.slices)
    score.wrong = [f"seed {seed} {kind} {text}" for text in _few(score.wrong)]
    return score


def _few(wrong: Sequence[str]) -> Iterator[str]:
    """The first stories that are wrong in the same way, and how many more there are."""
    ways: dict[str, list[str]] = {}
    for text in wrong:
        ways.setdefault(text.partition("\n")[0].partition(": ")[2], []).append(text)
    for same in ways.values():
        yield from same[:_SHOWN]
        if len(same) > _SHOWN:
            yield f"… and {len(same) - _SHOWN} more"


def run(seeds: range, kinds: Sequence[str], size: Size, way: Way) -> dict[str, Score]:
    """Judge all systems, on all processors; return the score of each kind."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        running = {kind: [pool.submit(judged, seed, kind, size, way) for seed in seeds] for kind in kinds}
        scores: dict[str, Score] = {}
        for kind, futures in running.items():
            scores[kind] = total([future.result() for future in futures])
            print(f"{kind}: {_share(scores[kind].first, scores[kind].affected)} first", file=sys.stderr)
    return scores


def table(scores: dict[str, Score]) -> str:
    """A row per kind of fault."""
    head = [
        *(
            "injected",
            "systems",
            "orders",
            "kind and service first",
            "among the first three",
            "service first",
        ),
        "`root_cause`",
    ]
    rows = [
        [
            f"`{kind}`",
            str(score.systems),
            f"{score.affected:,}",
            _share(score.first, score.affected),
            _share(score.among, score.affected),
            _share(score.service, score.affected),
            _share(score.root, score.affected) if kind in _WITH_ROOT else "",
        ]
        for kind, score in scores.items()
    ]
    return report.table(head, rows)


def claims(scores: dict[str, Score]) -> str:
    """A table of the claims about orders that nothing was wrong with."""
    summed = total(list(scores.values()))
    rows = [
        ("before the fault", summed.usual, summed.usual_claims),
        ("after it began, not affected", summed.healthy, summed.healthy_claims),
    ]
    return report.table(
        ["healthy orders", "asked", "with a claim", "share"],
        [[name, f"{of:,}", str(found), _share(found, of)] for name, of, found in rows],
    )


def _share(part: int, of: int) -> str:
    return f"{100 * part / of:.1f} %" if of else "–"


def _seconds(text: str) -> int:
    """Seconds of a text such as 30m, 26h or 8d."""
    return int(text[:-1]) * {"s": 1, "m": 60, "h": _HOUR, "d": 24 * _HOUR}[text[-1]]


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _keep(folder: Path, seeds: range, kinds: Sequence[str], size: Size) -> None:
    """Write the spans of each system to a file for `laban import`."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for kind in kinds:
            simulated = simulate(seed, kind, size.usual, size.affected)
            path = folder / f"{kind}-{seed}.pb"
            path.write_bytes(b"".join(requests([*simulated.before, *simulated.after])))
            orders = ", ".join(order.value for order in simulated.affected())
            print(f"{path}: {simulated.fault.truth.told}; {orders}")


def main() -> None:
    """Simulate, judge, print the tables, and publish them if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(10), help="the first and the last: 0-9")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only faults of this kind")
    parser.add_argument("--usual", type=int, default=400, help="orders before the fault")
    parser.add_argument("--affected", type=int, default=12, help="orders that the fault affects")
    parser.add_argument("--asked", type=int, default=30, help="how many of the usual orders to ask for")
    parser.add_argument("--age", type=_seconds, default=0, help="how old the spans are: 26h")
    parser.add_argument("--at-once", action="store_true", help="import all spans together, as from a file")
    parser.add_argument("--slices", type=int, default=1, help="make the slices of profiles that many minutes")
    parser.add_argument("--show", action="store_true", help="print the wrong stories and what was injected")
    parser.add_argument("--keep", type=Path, help="only write the spans to this directory, for laban import")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="use the seeds kept for it; write all tables to docs/truth.md",
    )
    options = parser.parse_args()
    seeds = _PUBLISHED if options.publish else options.seeds
    kinds: Sequence[str] = options.kind or KINDS
    size = Size(options.usual, options.affected, options.asked)
    if seeds.stop > _KEPT_SECRET and (options.show or options.keep):
        parser.error("the seeds from 1000 on are for the published table: nobody may look at their stories")
    if options.keep is not None:
        _keep(options.keep, seeds, kinds, size)
        return
    ways = (
        (_LIVE, _BUSY, _IMPORTED) if options.publish else (Way(options.age, options.at_once, options.slices),)
    )
    texts = [f"{size.usual} usual orders a system."]
    for way in ways:
        began = time.perf_counter()
        drawn = _PUBLISHED_OLD if options.publish and way is not _LIVE else seeds
        scores = run(drawn, kinds, size, way)
        if options.show:
            print("\n\n".join(text for score in scores.values() for text in score.wrong), end="\n\n")
        head = f"**{way.told}** (seeds {drawn.start} to {drawn.stop - 1})"
        texts.append(f"{head}\n\n{table(scores)}\n\n{claims(scores)}")
        print(texts[-1])
        print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
        if options.publish:
            report.publish("truth", "\n\n".join(texts), _TRUTH)


if __name__ == "__main__":
    main()
