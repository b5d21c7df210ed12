"""What a check found, as a value that every form can write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Severity = Literal["info", "warning", "error"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""The mildest first."""


@dataclass(frozen=True, slots=True)
class ReportRule:
    """Something that was checked, whether or not anything was found.

    Attributes:
        code: stable: `L001`.
        name: stable, for people: `deep-sync-chain`.
        sentence: what it finds, and why that matters.
        severity: that it usually has.
        advice: what to do about it; None if that depends on the place.
    """

    code: str
    name: str
    sentence: str
    severity: Severity = "warning"
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class ReportItem:
    """One thing that was found. All texts may come from spans of strangers: a form makes them safe.

    Attributes:
        code: of its rule.
        name: of its rule.
        place: what it is about, the same in each run: `order → inventory`, `topic orders`.
        sentence: what is the case there, for people.
        traces: IDs of traces that prove it.
        advice: what to do about it.
        numbers: the evidence, by name.
        file: the file that says something else; None if no file does.
        line: the line of it that the item is about, from 1; None for the whole file.
        accepted: why it does not count; None if it counts.
    """

    code: str
    name: str
    severity: Severity
    place: str
    sentence: str
    traces: Sequence[str] = ()
    advice: str | None = None
    numbers: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    file: str | None = None
    line: int | None = None
    accepted: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a check found.

    Attributes:
        command: that made it: `laban check`.
        title: what was checked, in one line.
        verdict: the result in one sentence.
        items: what was found, the most important first.
        rules: everything that was checked, by code.
        notes: what limits the result.
        version: of laban.
        fails_from: the severity from which on an item that counts makes the check fail; None: none does.
    """

    command: str
    title: str
    verdict: str
    items: Sequence[ReportItem] = ()
    rules: Sequence[ReportRule] = ()
    notes: Sequence[str] = ()
    version: str = ""
    fails_from: Severity | None = "error"

    def fails(self, item: ReportItem) -> bool:
        """Whether an item makes the check fail."""
        if item.accepted is not None or self.fails_from is None:
            return False
        return SEVERITIES.index(item.severity) >= SEVERITIES.index(self.fails_from)

    @property
    def failed(self) -> bool:
        """Whether the check failed."""
        return any(map(self.fails, self.items))
