"""The Findings page's data: counts by severity, what the findings rest on, and the numbers of one."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from laban_dashboard.presentation import formatting
from laban_mapper.model import Finding, Findings, Severity

SEVERITY_COLOURS: Final[dict[Severity, str]] = {"error": "red", "warning": "orange", "info": "blue"}


def counted_by_severity(findings: Iterable[Finding]) -> Counter[Severity]:
    """How many findings count, by severity; ignored ones do not."""
    return Counter(found.severity for found in findings if found.ignored is None)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity of the findings that count; None without any."""
    counts = counted_by_severity(findings)
    return next((severity for severity in SEVERITY_COLOURS if counts[severity]), None)


def looked_at(found: Findings) -> str:
    """What the findings rest on, and the score."""
    about = found.looked_at
    rests_on = (
        f"Looked at {about.traces:,} of {formatting.count(about.of, 'trace')} of "
        f"{formatting.count(about.entries, 'entry operation')}, and at {about.calls:,} calls and messages on "
        "the map."
    )
    if found.score is None:
        return rests_on
    return f"{rests_on} Score as a distributed monolith: {found.score:.2f} of 1."


def with_text(findings: Iterable[Finding], text: str) -> list[Finding]:
    """The findings whose code, name, place or sentence has all words of a text, in capitals or not."""
    words = text.casefold().split()
    return [found for found in findings if all(word in _said(found) for word in words)]


def _said(found: Finding) -> str:
    return f"{found.code} {found.name} {found.place} {found.sentence}".casefold()


def number_rows(found: Finding) -> list[dict[str, str]]:
    """The numbers of a finding as rows of a table."""
    return [
        {
            "Number": name.replace("_", " "),
            "Value": f"{value:,.0f}" if value == int(value) else f"{value:,.2f}",
        }
        for name, value in found.numbers.items()
    ]
