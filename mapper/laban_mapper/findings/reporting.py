"""The findings as a report of a check, for CI servers and job summaries."""

from collections import Counter
from collections.abc import Sequence

from laban_mapper.findings.facts import Rule
from laban_mapper.findings.registry import RULES
from laban_mapper.model import Finding, Findings, LookedAt, Severity
from laban_mapper.names import counted
from laban_mapper.reports.report import Report, ReportItem, ReportRule

_PLURALS: dict[Severity, str] = {"error": "errors", "warning": "warnings", "info": "hints"}


def report_of(
    found: Findings, fails_from: Severity | None, version: str = "", rules: Sequence[Rule] = RULES
) -> Report:
    """The report of findings.

    Args:
        found: the answer, or the part of it that is shown.
        fails_from: the severity from which on a finding makes the check fail; None: none does.
        version: of laban.
        rules: that were applied.
    """
    return Report(
        command="laban findings",
        title=f"{found.since:%F %T} to {found.until:%F %T} UTC: {_looked_at(found.looked_at)}",
        verdict=_verdict(found),
        items=[_item(one) for one in found.findings],
        rules=[ReportRule(rule.code, rule.name, rule.why, rule.severity, rule.advice) for rule in rules],
        notes=_notes(found),
        version=version,
        fails_from=fails_from,
    )


def _item(finding: Finding) -> ReportItem:
    return ReportItem(
        code=finding.code,
        name=finding.name,
        severity=finding.severity,
        place=finding.place,
        sentence=finding.sentence,
        traces=finding.traces,
        advice=finding.advice,
        numbers=dict(finding.numbers),
        accepted=finding.ignored,
    )


def _verdict(found: Findings) -> str:
    counts = Counter(one.severity for one in found.findings if one.ignored is None)
    if not counts:
        return "nothing found" if found.looked_at.traces else "nothing found: there are no traces to look at"
    severities: tuple[Severity, ...] = ("error", "warning", "info")
    told = [
        f"{counts[one]:,} {_PLURALS[one].removesuffix('s') if counts[one] == 1 else _PLURALS[one]}"
        for one in severities
        if counts[one]
    ]
    score = "" if found.score is None else f"; score as a distributed monolith {found.score:.2f} of 1"
    return ", ".join(told) + score


def _looked_at(looked: LookedAt) -> str:
    all_traces = counted(looked.of, "trace")
    traces = f"{looked.traces:,} of {all_traces}" if looked.traces < looked.of else all_traces
    entries = counted(looked.entries, "entry operation")
    return f"looked at {traces} of {entries}, and at {looked.calls:,} calls and messages on the map"


def _notes(found: Findings) -> list[str]:
    notes: list[str] = []
    if found.left_out:
        notes.append(f"{found.left_out:,} more findings are left out.")
    if found.looked_at.too_large:
        notes.append(f"{found.looked_at.too_large:,} traces were not read: they have too many spans.")
    if not found.looked_at.complete:
        notes.append("Not all that follows from the sampled traces was read: there is too much of it.")
    if not found.looked_at.all_entries:
        notes.append("Only the busiest entry operations were looked at.")
    return notes
