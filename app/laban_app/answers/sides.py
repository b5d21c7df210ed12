"""Reads the sides of a comparison: a time range of some answers, or everything in a database."""

from datetime import datetime, timedelta
from typing import Final

from laban_app.answers.protocol import TraceAnswers
from laban_mapper.drift.comparison.sides import Side

_CATCHING_UP: Final = timedelta(minutes=10)
"""How long after the last span the polls of the lag belong to a recording."""


def side_of(
    answers: TraceAnswers, name: str, since: datetime | None = None, until: datetime | None = None
) -> Side:
    """One side of a comparison; a time range without both ends is the last hour, as for the service map."""
    found = answers.service_map(since, until)
    return Side(
        name=name,
        map=found,
        choreography=answers.choreography(since, until),
        lag=answers.lag_history(since or found.since, until or found.until),
        findings=answers.findings(since, until),
    )


def recorded_side(answers: TraceAnswers, name: str) -> Side:
    """Everything that a database has as one side, with the polls after its last span."""
    status = answers.status()
    if status.first is None or status.last is None:
        return side_of(answers, name)
    until = status.last + timedelta(milliseconds=1)
    whole = side_of(answers, name, status.first, until)
    return Side(
        name=name,
        map=whole.map,
        choreography=whole.choreography,
        lag=answers.lag_history(status.first, until + _CATCHING_UP),
        findings=whole.findings,
    )
