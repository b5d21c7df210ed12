"""What a check found, as an answer and as a report."""

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final, Literal, NamedTuple

from laban_mapper.drift.drifts import Drift
from laban_mapper.drift.kinds import OF_CHOREOGRAPHY, OF_DOCUMENTS, RULES, DriftKind
from laban_mapper.model_drift import DriftCheck, DriftItem
from laban_mapper.reports.report import Report, ReportItem

Kind = Literal["choreography", "asyncapi", "openapi"]
_WORDS: Final[dict[Kind, str]] = {
    "choreography": "the choreography",
    "asyncapi": "the AsyncAPI document",
    "openapi": "the OpenAPI document",
}


class Allowed(NamedTuple):
    """A kind of drift that does not count: everywhere, or at places that match a pattern."""

    kind: DriftKind
    place: str | None = None

    @property
    def option(self) -> str:
        """As it is written on the command line."""
        return f"--allow {self.kind}" if self.place is None else f"--allow {self.kind}={self.place}"

    def covers(self, drift: Drift) -> bool:
        """Whether a difference does not count."""
        return drift.kind == self.kind and (self.place is None or fnmatchcase(drift.place, self.place))


class Checked(NamedTuple):
    """What was checked: a file, and a time range."""

    file: str
    kind: Kind
    since: datetime
    until: datetime


def answer_of(
    checked: Checked, drifts: Sequence[Drift], allowed: Sequence[Allowed] = (), notes: Sequence[str] = ()
) -> DriftCheck:
    """The answer with all differences; those that are allowed do not count."""
    items = [item_of(drift, allowed) for drift in drifts]
    counting = [item for item in items if item.severity == "error" and item.accepted is None]
    return DriftCheck(
        file=checked.file,
        document=checked.kind,
        since=checked.since,
        until=checked.until,
        drifted=bool(counting),
        verdict=_verdict(checked, items, len(counting)),
        items=items,
        notes=list(notes),
    )


def item_of(drift: Drift, allowed: Sequence[Allowed] = ()) -> DriftItem:
    """A difference as a part of an answer."""
    rule = RULES[drift.kind]
    return DriftItem(
        code=rule.code,
        kind=drift.kind,
        severity="info" if rule.severity == "info" else "error",
        place=drift.place,
        sentence=drift.sentence,
        numbers=dict(drift.numbers),
        traces=list(drift.traces),
        line=drift.line,
        accepted=next((one.option for one in allowed if one.covers(drift)), None),
    )


def _verdict(checked: Checked, items: Sequence[DriftItem], counting: int) -> str:
    what = _WORDS[checked.kind]
    if counting:
        verdict = f"What runs differs from {what} in {counting} {'place' if counting == 1 else 'places'}."
    else:
        verdict = f"What runs matches {what}."
    untold = sum(item.severity == "info" for item in items)
    allowed = sum(item.accepted is not None for item in items)
    if untold:
        verdict += f" For {untold} more there was not enough traffic to tell."
    if allowed:
        verdict += f" {allowed} allowed."
    return verdict


def report_of(answer: DriftCheck, version: str) -> Report:
    """The report of a check, for people, code hosts and CI servers."""
    advice = {rule.name: rule.advice for rule in RULES.values()}
    kinds = OF_CHOREOGRAPHY if answer.document == "choreography" else OF_DOCUMENTS
    return Report(
        command="laban check",
        title=f"{answer.file} against what ran from {answer.since:%Y-%m-%d %H:%M:%S} to "
        f"{answer.until:%Y-%m-%d %H:%M:%S} UTC",
        verdict=answer.verdict,
        items=[
            ReportItem(
                code=item.code,
                name=item.kind,
                severity=item.severity,
                place=item.place,
                sentence=item.sentence,
                traces=item.traces,
                advice=advice.get(item.kind),
                numbers=item.numbers,
                file=answer.file,
                line=item.line,
                accepted=item.accepted,
            )
            for item in answer.items
        ],
        rules=[RULES[kind] for kind in kinds],
        notes=answer.notes,
        version=version,
        fails_from="error",
    )
