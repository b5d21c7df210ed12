"""Applies all rules to a system, and puts what they find in order."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from laban_mapper.findings.distributed_monolith import system_score
from laban_mapper.findings.facts import MOST_PROOFS, Found, Rule, System
from laban_mapper.findings.registry import RULES
from laban_mapper.findings.thresholds import Ignore
from laban_mapper.model import Finding, Findings, LookedAt, Severity
from laban_mapper.model_alerts import Alert

_Judged = TypeVar("_Judged", Finding, Alert)

MOST: Final = 200
"""Findings of one answer."""
_MOST_OF_RULE: Final = 30
"""Findings of one rule: a rule that finds more places than anyone will read must not hide the other rules."""
RANKS: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "info": 2}
"""The severities, the worst first."""


def find(system: System, ignores: Sequence[Ignore] = (), rules: Sequence[Rule] = RULES) -> Findings:
    """What is wrong with how the services of a system talk: the worst first, and the ignored ones last.

    Args:
        system: what the rules read.
        ignores: which findings do not count, and why.
        rules: by default all.
    """
    found: list[Finding] = []
    left_out = 0
    for rule in rules:
        of_rule = [_finding(rule, one) for one in rule.find(system)]
        of_rule.sort(key=lambda one: RANKS[one.severity])  # otherwise in the order of the rule
        found += of_rule[:_MOST_OF_RULE]
        left_out += len(of_rule[_MOST_OF_RULE:])
    found = in_order(ignored(found, ignores))
    left_out += len(found[MOST:])
    return Findings(
        findings=found[:MOST],
        looked_at=_looked_at(system),
        since=system.map.since,
        until=system.map.until,
        score=system_score(system),
        truncated=left_out > 0,
        left_out=left_out,
    )


def ignored(findings: Iterable[Finding], ignores: Sequence[Ignore]) -> list[Finding]:
    """The findings; those that an entry of `laban.toml` names have its reason."""
    return [_with_reason(one, ignores) for one in findings]


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The worst findings first, by code; the ignored ones last."""
    return sorted(findings, key=lambda one: (one.ignored is not None, RANKS[one.severity], one.code))


def at_least(found: Iterable[_Judged], least: Severity) -> list[_Judged]:
    """The findings or alerts that are at least as bad as a severity."""
    return [one for one in found if RANKS[one.severity] <= RANKS[least]]


def _finding(rule: Rule, found: Found) -> Finding:
    return Finding(
        code=rule.code,
        name=rule.name,
        severity=found.severity or rule.severity,
        place=found.place,
        sentence=found.sentence,
        numbers={name: round(value, 4) for name, value in found.numbers.items()},
        traces=list(dict.fromkeys(found.traces))[:MOST_PROOFS],
        advice=found.advice or rule.advice,
        why=rule.why,
    )


def _with_reason(finding: Finding, ignores: Sequence[Ignore]) -> Finding:
    for ignore in ignores:
        named = ignore.code.lower() in {finding.code.lower(), finding.name}
        if named and fnmatchcase(finding.place, ignore.place):
            return finding.model_copy(update={"ignored": ignore.reason})
    return finding


def _looked_at(system: System) -> LookedAt:
    traces = {trace.trace_id: trace for trace in system.traces}
    return LookedAt(
        traces=len(traces),
        of=sum(entry.seen for entry in system.entries),
        spans=sum(len(trace.causality.spans) for trace in traces.values()),
        entries=len(system.entries),
        calls=sum(edge.calls for edge in system.map.edges),
    )
