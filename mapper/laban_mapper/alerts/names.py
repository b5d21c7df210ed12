"""Names in alerts."""

from typing import Final

NEW_FINDING: Final = "LabanNewFinding"
"""The condition whose alerts are about findings."""


def name_of_finding(code: str, place: str) -> str:
    """The place of an alert about a finding."""
    return f"{code} {place}"
