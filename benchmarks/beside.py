"""Measures what receiving spans costs laban and other backends, in one run on one machine.

`./run bench beside [--rotel PROGRAM] [--jaeger PROGRAM] [--victoria-traces PROGRAM] [--rounds N] [--spans N]
[--quick] [--publish]` starts laban and every backend whose program is given, and builds nothing. Without an
option, it uses rotel if its wheel is installed, and programs named `jaeger` and `victoria-traces` on the
PATH. The backends take turns in each round, so that a noisy machine affects all of them, and the table has
the medians. The processor time is that of the server, and includes what it does after the answer (loading,
counting), until it is idle.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload import peers, report, servers
from benchmarks.workload.sender import Load, send
from benchmarks.workload.servers import Server

_MIB: Final = 1 << 20
_LABAN: Final = "laban"
_ABOUT: Final = (
    "laban acknowledges spans that are on disk, and counts calls for the graph. rotel decodes and drops\n"
    f"them. Jaeger keeps the newest {peers.JAEGER_TRACES:,} traces in memory. VictoriaTraces acknowledges\n"
    "spans before they are on disk. µs are processor time of the server per span. laban ÷ another backend\n"
    "is the ratio of their spans per CPU-second: above 1, laban takes less processor time."
)

Start = Callable[[], AbstractContextManager[Server]]


class Scenario(NamedTuple):
    """One combination of protocol, request size and connections."""

    protocol: str
    spans: int
    connections: int

    def __str__(self) -> str:
        return f"{self.protocol}, {self.spans} × {self.connections}"


class Figures(NamedTuple):
    """The cost of one scenario: µs of processor time per span, and ms until the acknowledgement."""

    cpu_us: float
    p50_ms: float
    p99_ms: float


class Held(NamedTuple):
    """What a server has at the end: peak memory in bytes, and spans on disk with their bytes."""

    rss: int
    spans: int
    disk: int | None


SCENARIOS: Final = [
    Scenario(protocol, *size) for protocol in ("HTTP", "gRPC") for size in ((10, 64), (512, 8))
]

Results = dict[str, dict[Scenario, list[Figures]]]


def starts(options: argparse.Namespace, directory: Path) -> dict[str, Start]:
    """Return how to start laban and each backend whose program is known, by name."""
    found: dict[str, Start] = {_LABAN: partial(servers.laban, directory / "laban.duckdb")}
    programs = {
        "rotel": (options.rotel or servers.rotel_agent(), peers.rotel),
        "Jaeger": (options.jaeger or _on_path("jaeger"), peers.jaeger),
        "VictoriaTraces": (options.victoria_traces or _on_path("victoria-traces"), peers.victoria_traces),
    }
    for name, (program, run) in programs.items():
        if program is None:
            print(f"{name}: no program is given; it is left out", file=sys.stderr)
        else:
            found[name] = partial(run, program, directory)
    return found


def _on_path(name: str) -> Path | None:
    program = shutil.which(name)
    return None if program is None else Path(program)


def measure(server: Server, scenario: Scenario, spans: int, first_round: int) -> tuple[Figures, int, int]:
    """Send one load; return its figures, its spans, and the number of template rounds that it used."""
    before = server.cpu_seconds()
    sent = send(
        Load(
            protocol=scenario.protocol.lower(),
            address=server.grpc if scenario.protocol == "gRPC" else server.http,
            spans=scenario.spans,
            requests=max(spans // scenario.spans, scenario.connections * 4),
            connections=scenario.connections,
            compress=False,
            first_round=first_round,
            path=server.path,
        )
    )
    servers.rest(server)
    cpu = server.cpu_seconds() - before
    return Figures(cpu / sent.spans * 1e6, sent.p50_ms, sent.p99_ms), sent.spans, sent.rounds


def run_all(found: Mapping[str, Start], rounds: int, spans: int) -> tuple[Results, dict[str, Held]]:
    """Run all scenarios against all servers, in turns."""
    results: Results = {name: {scenario: [] for scenario in SCENARIOS} for name in found}
    stored, first_round = dict.fromkeys(found, 0), 0
    with ExitStack() as running:
        started = {name: running.enter_context(start()) for name, start in found.items()}
        for number in range(rounds):
            for scenario in SCENARIOS:
                used = 0
                for name, server in started.items():
                    figures, sent, used = measure(server, scenario, spans, first_round)
                    results[name][scenario].append(figures)
                    stored[name] += sent
                    print(
                        f"round {number + 1} of {rounds}: {name}: {scenario}: {figures.cpu_us:.1f} µs/span",
                        file=sys.stderr,
                    )
                first_round += used
        peaks = {name: server.peak_rss() for name, server in started.items()}
    # The servers have stopped: everything that they keep is in their files now.
    return results, {
        name: Held(peaks[name], stored[name], None if server.data is None else _size(server.data))
        for name, server in started.items()
    }


def _size(place: Path) -> int:
    files = place.rglob("*") if place.is_dir() else place.parent.glob(f"{place.name}*")
    return sum(file.stat().st_size for file in files if file.is_file())


def cost_table(results: Results) -> str:
    """Return the table of medians, with the ratios of laban to each other backend."""
    others = [name for name in results if name != _LABAN]
    head = ["spans per request × connections", "laban µs", "p50 ms", "p99 ms"]
    for name in others:
        head += [f"{name} µs", "p50 ms", "p99 ms", f"laban ÷ {name}"]
    rows = [_cost_row(results, scenario, others) for scenario in SCENARIOS]
    return report.table(head, rows)


def _cost_row(results: Results, scenario: Scenario, others: Sequence[str]) -> list[str]:
    ours = _medians(results[_LABAN][scenario])
    row = [str(scenario), *_cells(ours)]
    for name in others:
        theirs = _medians(results[name][scenario])
        row += [*_cells(theirs), f"{theirs.cpu_us / ours.cpu_us:.2f} ×"]
    return row


def _medians(rounds: Sequence[Figures]) -> Figures:
    return Figures(*(statistics.median(values) for values in zip(*rounds, strict=True)))


def _cells(figures: Figures) -> list[str]:
    return [f"{figures.cpu_us:.1f}", f"{figures.p50_ms:.1f}", f"{figures.p99_ms:.1f}"]


def held_table(held: Mapping[str, Held]) -> str:
    """Return the table of memory and disk."""
    rows = [
        [
            name,
            f"{one.spans:,}",
            f"{one.rss / _MIB:,.0f}",
            "–" if one.disk is None else f"{one.disk / one.spans:.0f}",
        ]
        for name, one in held.items()
    ]
    return report.table(["", "spans", "peak RSS, MiB", "bytes on disk per span"], rows)


def main() -> None:
    """Measure, print the tables, and publish them if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--rotel", "--jaeger", "--victoria-traces"):
        parser.add_argument(option, type=Path, metavar="PROGRAM", help="the program; it is not built")
    parser.add_argument("--rounds", type=int, default=3, help="the tables have the medians of so many rounds")
    parser.add_argument("--spans", type=int, default=100_000, help="in each scenario and round")
    parser.add_argument("--quick", action="store_true", help="one round with a tenth of the spans")
    parser.add_argument("--publish", action="store_true", help="write the tables into docs/performance.md")
    options = parser.parse_args()
    rounds, spans = (1, options.spans // 10) if options.quick else (options.rounds, options.spans)
    with tempfile.TemporaryDirectory() as name:
        results, held = run_all(starts(options, Path(name)), rounds, spans)
    text = "\n\n".join([report.machine(), cost_table(results), held_table(held), _ABOUT])
    print(text)
    if options.publish:
        report.publish("beside", text)


if __name__ == "__main__":
    main()
