"""L028: messages that wait longer than promised."""

from collections.abc import Iterator

from laban_mapper.findings.evidence import percentile, proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted
from laban_mapper.times import format_duration


def _find(system: System) -> Iterator[Found]:
    for group, objective in system.objectives.queue.items():
        waits = _waits(system, group)
        oldest = [
            partition.seconds
            for one in system.lag.groups
            if one.group == group
            for partition in one.topics
            if partition.seconds is not None and partition.messages
        ]
        late = [(trace, wait) for trace, wait in waits if wait > objective]
        p95 = percentile([wait for _, wait in waits], 0.95) if waits else 0.0
        broken = len(waits) >= system.thresholds.fewest and p95 > objective
        now = max(oldest, default=0.0)
        if not broken and now <= objective:
            continue
        parts: list[str] = []
        if broken:
            parts.append(f"95 % of {counted(len(waits), 'sampled message')} waited up to {_words(p95)}")
        if now > objective:
            parts.append(f"the oldest message waits for {_words(now)} now")
        yield Found(
            place=f"group {group}",
            sentence=f"{group}: {' and '.join(parts)}; promised are {_words(objective)}",
            numbers={"objective_s": objective, "p95_s": p95, "oldest_s": now, "messages": len(waits)},
            traces=proofs(trace for trace, _ in sorted(late, key=lambda one: -one[1])),
        )


def _waits(system: System, group: str) -> list[tuple[SampledTrace, float]]:
    """The times in queue of a group, in seconds."""
    return [
        (trace, state.wait_ms / 1000)
        for trace in system.traces
        for published in trace.messages
        for state in published.message.groups
        if state.group == group and state.wait_ms is not None
    ]


def _words(seconds: float) -> str:
    return format_duration(seconds * 1000)


RULE = Rule(
    code="L028",
    name="queue-objective",
    severity="warning",
    why="The promise in `[objectives]` of laban.toml is broken: what follows from these messages comes late.",
    advice="See with `laban lag --waiting` which span makes the consumer slow; make it faster, or add "
    "partitions and consumers.",
    find=_find,
    compares="The waits of the sampled messages (p95), and the oldest message that waits now, with "
    "`[objectives.queue]`. Without an objective nothing is said.",
    thresholds=("fewest",),
    example="mail: 95 % of 50 sampled messages waited up to 90 s and the oldest message waits for 2.0 min "
    "now; promised are 60 s",
)
