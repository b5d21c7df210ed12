"""An operation that is slower than `[objectives.latency]` promises."""

from collections.abc import Iterator

from laban_mapper.alerts.facts import Condition, PrometheusRule, Raised, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.promql import literal, quoted
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.names import counted
from laban_mapper.spans import NS_PER_MS
from laban_mapper.times import format_duration


def _raised(situation: Situation) -> Iterator[Raised]:
    for entry in situation.entries:
        objective = situation.objectives.latency.get(entry.name)
        if objective is None or entry.p95 is None or entry.calls < situation.limits.fewest:
            continue
        p95 = entry.p95 / NS_PER_MS
        if p95 > objective:
            yield Raised(
                place=entry.name,
                sentence=f"95 % of {counted(entry.calls, 'request')} of {entry.name} took up to "
                f"{format_duration(p95)}; promised are {format_duration(objective)}",
                numbers={"p95_ms": p95, "objective_ms": objective, "requests": entry.calls},
                traces=entry.slowest,
                page="latency",
            )


def _rules(limits: AlertLimits, objectives: Objectives) -> Iterator[PrometheusRule]:
    for name, objective in objectives.latency.items():
        labels = f"{{entry={quoted(name)}}}"
        yield PrometheusRule(
            f"laban_entry_p95_seconds{labels} > {objective / 1000:g} and laban_entry_requests{labels} >= "
            f"{limits.fewest}",
            120,
            f"95 % of the requests of {literal(name)} took up to {{{{ $value | humanizeDuration }}}}; "
            f"promised are {format_duration(objective)}",
            literal(name),
            labels={"entry": literal(name)},
        )


CONDITION = Condition(
    name="LabanLatencyObjective",
    severity="warning",
    meaning="The 95th percentile of an operation in the window is above `[objectives.latency]`.",
    raised=_raised,
    rules=_rules,
)
