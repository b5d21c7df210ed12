"""A report as SARIF 2.1.0, which code hosts show next to the lines of a file.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
from hashlib import blake2b
from typing import Any, Final

from laban_mapper.printable import printable
from laban_mapper.reports.report import Report, ReportItem, ReportRule, Severity
from laban_mapper.urls import quoted_path

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[dict[Severity, str]] = {"info": "note", "warning": "warning", "error": "error"}
_MOST_RESULTS: Final = 5_000
"""GitHub takes 25,000 results of a run and shows the first 5,000."""


def to_sarif(report: Report) -> str:
    """One run with a result for each item. Accepted items are suppressed, with the reason."""
    rules = list(report.rules)
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    shown = report.items[:_MOST_RESULTS]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": report.command,
                **({"version": report.version} if report.version else {}),
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "invocations": [{"executionSuccessful": True, "exitCode": int(report.failed)}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, numbers.get(item.code)) for item in shown],
        "properties": {
            "title": printable(report.title),
            "verdict": printable(report.verdict),
            "notes": [*map(printable, report.notes), *_left_out(report)],
        },
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _left_out(report: Report) -> list[str]:
    more = len(report.items) - _MOST_RESULTS
    return [f"{more:,} more results are left out."] if more > 0 else []


def _rule(rule: ReportRule) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": printable(rule.sentence)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
    if rule.advice is not None:
        described["help"] = {"text": printable(rule.advice)}
    return described


def _result(item: ReportItem, rule: int | None) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": item.code,
        "level": _LEVELS[item.severity],
        "message": {"text": _message(item)},
        "locations": [_location(item)],
        "partialFingerprints": {"labanPlace/v1": _fingerprint(item)},
        "properties": {
            "name": item.name,
            "traces": [printable(trace) for trace in item.traces],
            "numbers": {printable(name): _value(value) for name, value in item.numbers.items()},
        },
    }
    if rule is not None:
        result["ruleIndex"] = rule
    if item.accepted is not None:
        accepted = {"kind": "external", "status": "accepted", "justification": printable(item.accepted)}
        result["suppressions"] = [accepted]
    return result


def _message(item: ReportItem) -> str:
    lines = [f"{printable(item.place)}: {printable(item.sentence)}"]
    if item.advice is not None:
        lines.append(printable(item.advice))
    if item.traces:
        lines.append(f"Proof: laban trace {printable(item.traces[0])}")
    return "\n".join(lines)


def _location(item: ReportItem) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": printable(item.place), "kind": "module"}]
    }
    if item.file is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quoted_path(item.file.replace("\\", "/"))},
            "region": {"startLine": item.line or 1},
        }
    return location


def _fingerprint(item: ReportItem) -> str:
    """What stays the same while the sentence, the numbers and the line change."""
    return blake2b(f"{item.code}\0{item.place}".encode(errors="replace"), digest_size=16).hexdigest()


def _value(value: float | str) -> float | str:
    return printable(value) if isinstance(value, str) else value
