"""An operation that fails more often than `[objectives.errors]` promises."""

from collections.abc import Iterator

from laban_mapper.alerts.facts import Condition, PrometheusRule, Raised, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.promql import literal, quoted
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.findings.words import share
from laban_mapper.names import counted


def _raised(situation: Situation) -> Iterator[Raised]:
    for entry in situation.entries:
        objective = situation.objectives.errors.get(entry.name)
        if objective is None or entry.calls < situation.limits.fewest:
            continue
        failed = entry.errors / entry.calls
        if failed > objective:
            yield Raised(
                place=entry.name,
                sentence=f"{entry.errors:,} of {counted(entry.calls, 'request')} of {entry.name} failed "
                f"({share(failed)}); promised are at most {share(objective)}",
                numbers={"failed": failed, "objective": objective, "requests": entry.calls},
                traces=entry.failed,
                page="orders?show=Failed",
            )


def _rules(limits: AlertLimits, objectives: Objectives) -> Iterator[PrometheusRule]:
    for name, objective in objectives.errors.items():
        labels = f"{{entry={quoted(name)}}}"
        yield PrometheusRule(
            f"laban_entry_failed_requests{labels} / laban_entry_requests{labels} > {objective:g} "
            f"and laban_entry_requests{labels} >= {limits.fewest}",
            60,
            f"{{{{ $value | humanizePercentage }}}} of the requests of {literal(name)} failed; "
            f"promised are at most {share(objective)}",
            literal(name),
            labels={"entry": literal(name)},
        )


CONDITION = Condition(
    name="LabanErrorObjective",
    severity="error",
    meaning="The share of failed requests of an operation in the window is above `[objectives.errors]`.",
    raised=_raised,
    rules=_rules,
)
