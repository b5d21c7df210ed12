"""L029: an entry operation that is slower than promised."""

from collections.abc import Iterator

from laban_mapper.findings.evidence import percentile, proofs
from laban_mapper.findings.facts import Found, Rule, System
from laban_mapper.names import counted
from laban_mapper.spans import NS_PER_MS
from laban_mapper.times import format_duration


def _find(system: System) -> Iterator[Found]:
    for entry in system.entries:
        objective = system.objectives.latency.get(entry.name)
        if objective is None or len(entry.traces) < system.thresholds.fewest:
            continue
        p95 = percentile([trace.root.duration / NS_PER_MS for trace in entry.traces], 0.95)
        if p95 <= objective:
            continue
        slowest = sorted(entry.traces, key=lambda trace: -trace.root.duration)
        yield Found(
            place=entry.name,
            sentence=f"95 % of {counted(len(entry.traces), 'sampled request')} took up to "
            f"{format_duration(p95)}; "
            f"promised are {format_duration(objective)}",
            numbers={"objective_ms": objective, "p95_ms": p95, "requests": len(entry.traces)},
            traces=proofs(slowest),
        )


RULE = Rule(
    code="L029",
    name="latency-objective",
    severity="warning",
    why="The promise in `[objectives]` of laban.toml is broken.",
    advice="Open a slow trace: its critical path shows which step the reply waited for.",
    find=_find,
    compares="The duration of the sampled requests of an entry operation (p95) with `[objectives.latency]`. "
    "Without an objective nothing is said.",
    thresholds=("fewest",),
    example="95 % of 50 sampled requests took up to 420 ms; promised are 300 ms",
)
