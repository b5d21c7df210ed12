"""Measures how many spans per second laban decodes, loads, and ingests over the network.

`./run bench ingest [--quick] [--publish] [--only 'HTTP, 10 × 64'] [--beside NAME GRPC HTTP]`. For comparison,
it also measures rotel (receives and drops) if it is installed, and any OTLP backend given by its addresses
(HOST:PORT).

`./run bench ingest --pairs 8 [--without LABAN_METRICS_EDGES=0] [--only …] [--publish]` measures what a part
of the collector costs: two collectors, one of them without the part, take the same spans in turns.
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload import peers, report, servers
from benchmarks.workload.sender import Load, Sent, send
from benchmarks.workload.shop import Template, templates
from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.ingest.journal import Journal, Journaled
from laban_collector.ingest.loader import ENOUGH
from laban_collector.protect.protection import Protection
from laban_collector.settings import load_settings
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter

_REQUEST: Final = 512
"""Spans per request: the default maximum of the SDKs."""
_GROUP: Final = 20
"""Requests per commit: about 10,000 spans."""
_MIB: Final = 1 << 20
_PAIRED: Final = 600_000
"""Spans of a turn: about 10 s."""


class Scenario(NamedTuple):
    """One combination of protocol, compression, request size and connections."""

    protocol: str
    compress: bool
    spans: int
    connections: int

    def __str__(self) -> str:
        return f"{self.protocol}{' gzip' if self.compress else ''}, {self.spans} × {self.connections}"


class Measured(NamedTuple):
    """The result of one scenario against one server."""

    sent: Sent
    cpu_seconds: float


def scenarios(*, quick: bool) -> list[Scenario]:
    """Return all scenarios, or the most important ones if `quick`."""
    sizes: Sequence[tuple[int, int]] = [(512, 8), (10, 64)]
    if not quick:
        sizes = [(spans, connections) for spans in (512, 100, 10) for connections in (1, 8, 64)]
    plain = [Scenario(protocol, False, *size) for protocol in ("HTTP", "gRPC") for size in sizes]
    return plain + [Scenario(protocol, True, 512, 8) for protocol in ("HTTP", "gRPC")]


def inside(spans: int, directory: Path) -> str:
    """Measure decoding by columns, decoding span by span, and the whole path into the tables."""
    made, period = templates(_GROUP * 4, _REQUEST)
    protection, finder = Protection.from_settings(load_settings()), KeyFinder()
    decoder = OtlpDecoder(finder, protection)
    rows = [
        _rate(
            "decode by columns and redact",
            spans,
            made,
            period,
            decoder.decode,
        ),
        _rate(
            "decode span by span, protobuf library",
            spans // 8,
            made,
            period,
            lambda group: otlp_protobuf.decode(group, finder),
        ),
    ]
    path = directory / "inside.duckdb"
    with Database.open(path) as database:
        writer, journal = DuckDBWriter(database), Journal(path)
        waiting: list[Journaled] = []

        def commit(group: Sequence[bytes]) -> None:
            waiting.append(Journaled(writer.sequence + len(waiting) + 1, decoder.decode(group).batch))
            journal.append(waiting[-1])
            if sum(one.batch.spans.num_rows for one in waiting) >= ENOUGH:
                writer.load([one.batch for one in waiting], waiting[-1].sequence)
                journal.turn()
                journal.drop()
                waiting.clear()

        rows.append(_rate("decode by columns, redact, journal, load; 1 thread", spans, made, period, commit))
        journal.close()
    return report.table(["", "spans/s", "spans/CPU-second"], rows)


def _rate(
    name: str, spans: int, made: Sequence[Template], period: int, work: Callable[[Sequence[bytes]], object]
) -> list[str]:
    seconds = cpu = 0.0
    done = 0
    for number, group in _groups(made, period, spans):
        wall, used = time.perf_counter(), time.process_time()
        work(group)
        if number:  # the first group warms up
            seconds += time.perf_counter() - wall
            cpu += time.process_time() - used
            done += len(group) * _REQUEST
    return [name, f"{done / seconds:,.0f}", f"{done / cpu:,.0f}"]


def _groups(made: Sequence[Template], period: int, spans: int) -> Iterator[tuple[int, list[bytes]]]:
    number = 0
    while number * _GROUP * _REQUEST <= spans:
        begin = number * _GROUP % len(made)
        rounds = number * _GROUP // len(made)
        yield number, [template.fresh(rounds, period) for template in made[begin : begin + _GROUP]]
        number += 1


def over_the_wire(server: servers.Server, wanted: Sequence[Scenario], spans: int) -> dict[Scenario, Measured]:
    """Run the scenarios against one server, one after the other.

    The processor time includes what the server does after the answers, until it is idle.
    """
    measured: dict[Scenario, Measured] = {}
    first_round = 0
    for scenario in wanted:
        share = spans if scenario.spans == _REQUEST else spans // 4
        if scenario.connections == 1:
            share //= 5  # one connection waits for each answer: it would take most of the time
        load = Load(
            protocol=scenario.protocol.lower(),
            address=server.grpc if scenario.protocol == "gRPC" else server.http,
            spans=scenario.spans,
            requests=max(share // scenario.spans, scenario.connections * 4),
            connections=scenario.connections,
            compress=scenario.compress,
            first_round=first_round,
        )
        before = server.cpu_seconds()
        sent = send(load)
        servers.rest(server)  # counts what it does later, and keeps it out of the next scenario
        measured[scenario] = Measured(sent, server.cpu_seconds() - before)
        first_round += sent.rounds
        print(f"{server.name}: {scenario}: {sent.spans / sent.seconds:,.0f} spans/s", file=sys.stderr)
    return measured


def wire_table(ours: dict[Scenario, Measured], peers: Mapping[str, Mapping[Scenario, Measured]]) -> str:
    """Return the table of laban's results, with the results of other backends in further columns."""
    head = ["spans per request × connections", "spans/s", "spans/CPU-second", "p50 ms", "p99 ms"]
    for name in peers:
        head += [f"{name} spans/s", f"{name} spans/CPU-second"]
    rows = [
        [str(scenario), *_rates(measured), f"{measured.sent.p50_ms:.1f}", f"{measured.sent.p99_ms:.1f}"]
        + [rate for peer in peers.values() for rate in _rates(peer[scenario])]
        for scenario, measured in ours.items()
    ]
    return report.table(head, rows)


def _rates(measured: Measured) -> list[str]:
    spans, cpu = measured.sent.spans, measured.cpu_seconds
    return [
        f"{spans / measured.sent.seconds:,.0f}",
        "–" if math.isnan(cpu) else f"{spans / max(cpu, 0.01):,.0f}",
    ]


class Turn(NamedTuple):
    """Processor time of a load, in µs per span: with all parts of the collector, and without one of them."""

    whole: float
    without: float


def side_by_side(scenario: Scenario, pairs: int, spans: int, variables: Mapping[str, str]) -> list[Turn]:
    """Send the same spans to two collectors in turns; the second one has some more variables.

    What a collector does with the spans later than 20 s, it does in its next turn: two turns take longer.
    """
    found: list[Turn] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        both = [
            running.enter_context(servers.laban(folder / f"{number}.duckdb", added))
            for number, added in enumerate(({}, variables))
        ]
        first_round = 0
        for _ in range(pairs + 1):
            used: list[float] = []
            for server in both:
                address = server.grpc if scenario.protocol == "gRPC" else server.http
                load = Load(
                    scenario.protocol.lower(),
                    address,
                    scenario.spans,
                    spans // scenario.spans,
                    scenario.connections,
                    scenario.compress,
                    first_round,
                )
                before = server.cpu_seconds()
                sent = send(load)
                servers.count_all(server)
                used.append((server.cpu_seconds() - before) / sent.spans * 1e6)
                if server is both[-1]:
                    first_round += sent.rounds
            found.append(Turn(*used))
            print(f"{scenario}: {used[0]:.2f} and {used[1]:.2f} µs per span", file=sys.stderr)
    return found[1:]  # the first one warms up


def pairs_text(measured: Mapping[Scenario, Sequence[Turn]], without: str) -> str:
    """Return the section about pairs of turns."""
    head = [
        "spans per request × connections",
        "pairs",
        "µs per span",
        without,
        "ratio",
        "quartiles",
    ]
    rows: list[list[str]] = []
    for scenario, turns in measured.items():
        ratios = [turn.whole / turn.without for turn in turns]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        medians = (statistics.median(side) for side in zip(*turns, strict=True))
        rows.append(
            [
                str(scenario),
                f"{len(turns)}",
                *(f"{one:.2f}" for one in medians),
                f"{middle:.3f}",
                f"{low:.3f} to {high:.3f}",
            ]
        )
    how = (
        "Processor time of the collector to take, store and count a span, the medians; the ratio is the "
        "median of those of all pairs. Two collectors take the same spans in turns, so what disturbs the "
        "machine for longer than a turn disturbs both."
    )
    return "\n\n".join((report.machine(), report.table(head, rows), how))


def main() -> None:
    """Measure, print the tables, and publish them if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a sixth of the spans, and few scenarios")
    parser.add_argument(
        "--only", action="append", metavar="SCENARIO", help="run only this scenario; may be repeated"
    )
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        nargs=3,
        metavar=("NAME", "GRPC", "HTTP"),
        help="addresses (HOST:PORT) of a running backend to compare with; may be repeated",
    )
    parser.add_argument("--publish", action="store_true", help="write the tables into docs/performance.md")
    parser.add_argument("--pairs", type=int, default=0, help="turns of two collectors, instead of the tables")
    parser.add_argument(
        "--without",
        default="LABAN_METRICS_EDGES=0",
        metavar="NAME=VALUE",
        help="what the second collector of a pair has in its environment",
    )
    options = parser.parse_args()
    if options.pairs:
        _pairs(options)
        return
    if options.only and options.publish:
        parser.error("--only and --publish exclude each other: the table needs all scenarios")
    spans = 100_000 if options.quick else 600_000
    wanted = [one for one in scenarios(quick=options.quick) if not options.only or str(one) in options.only]
    if not wanted:
        known = "; ".join(map(str, scenarios(quick=options.quick)))
        parser.error(f"unknown scenario; known scenarios: {known}")
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        directory = Path(name)
        alone = [] if options.only else [inside(spans, directory)]
        database = directory / "wire.duckdb"
        with servers.laban(database) as server:
            ours = over_the_wire(server, wanted, spans)
            rss = server.peak_rss()
        stored = sum(measured.sent.spans for measured in ours.values())
        others = [servers.Server(name, None, grpc, http) for name, grpc, http in options.beside]
        if (agent := servers.rotel_agent()) is not None:
            others.insert(0, running.enter_context(peers.rotel(agent, directory)))
        theirs = {other.name: over_the_wire(other, wanted, spans) for other in others}
        size = database.stat().st_size / stored
        with Database.open(database, read_only=True) as opened, opened.reading() as cursor:
            [(kept,)] = cursor.execute("SELECT count(*) FROM spans").fetchall()
    assert kept == stored, f"{stored} spans were acknowledged, but {kept} are stored"
    held = f"{stored:,} spans, all of them in the file: {size:.0f} bytes per span."
    facts = f"{held} Peak RSS {rss / _MIB:,.0f} MiB."
    text = "\n\n".join([report.machine(), *alone, wire_table(ours, theirs), facts])
    print(text)
    if options.publish:
        report.publish("ingest", text)


def _pairs(options: argparse.Namespace) -> None:
    """Measure pairs of turns, print the table, and publish it if requested."""
    wanted = options.only or ["HTTP, 512 × 8", "HTTP, 10 × 64"]
    name, _, value = options.without.partition("=")
    measured: dict[Scenario, list[Turn]] = {}
    for one in scenarios(quick=False):
        if str(one) in wanted:
            spans = _PAIRED if one.spans == _REQUEST else _PAIRED // 4
            measured[one] = side_by_side(one, options.pairs, spans, {name: value})
    text = pairs_text(measured, options.without)
    print(text)
    if options.publish:
        report.publish("ingest-pairs", text)


if __name__ == "__main__":
    main()
