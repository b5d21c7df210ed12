"""The answer to a what-if question in words and as rows of texts, for the terminal and the dashboard."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from laban_mapper.model_whatif import LateStep, WhatIf, WhatIfEntry
from laban_mapper.names import counted, listed, shortened
from laban_mapper.times import format_duration
from laban_mapper.whatif.assumptions import FEW

MOST_ENTRIES: Final = 10
"""Entry operations that are shown."""
MOST_STEPS: Final = 8
"""Late steps of an entry that are shown."""
_PERCENT: Final = 10
"""Shares below this are shown with a decimal."""
_WHOLE: Final = 99.95


class OutcomeRow(NamedTuple):
    """One number of an entry operation: before, after, and between which values it lies."""

    name: str
    before: str
    after: str
    between: str


class StepRow(NamedTuple):
    """When a step ends, before and after; `never`: whether it happens less often."""

    name: str
    before: str
    after: str
    never: bool


def joined(changes: Sequence[str]) -> str:
    """The changes in one sentence without a full stop."""
    return changes[0] if len(changes) == 1 else f"{', '.join(changes[:-1])} and {changes[-1]}"


def basis(entry: WhatIfEntry) -> str:
    """How many traces the answer about an entry rests on."""
    told = f"{entry.traces:,} of {counted(entry.seen, 'trace')}"
    left_out = ", ".join(f"{number:,} {reason}" for reason, number in entry.left_out.items())
    told += f"; left out: {left_out}" if left_out else ""
    return f"{told}; fewer than {FEW}: this is rough" if 0 < entry.traces < FEW else told


def outcome_rows(entry: WhatIfEntry) -> Iterator[OutcomeRow]:
    """What becomes of the requests of an entry."""
    before, after, between = entry.before, entry.after, entry.range
    yield OutcomeRow("fail, of 100", share(before.failed), share(after.failed), _shares(between.failed))
    if before.unfinished is not None or after.unfinished is not None:
        yield OutcomeRow(
            "fail later, or wait, of 100",
            share(before.unfinished),
            share(after.unfinished),
            _shares(between.unfinished),
        )
    yield OutcomeRow("p50 of replies", _time(before.p50_ms), _time(after.p50_ms), _times(between.p50_ms))
    yield OutcomeRow("p95 of replies", _time(before.p95_ms), _time(after.p95_ms), _times(between.p95_ms))


def step_rows(entry: WhatIfEntry) -> Iterator[StepRow]:
    """The steps that end later or never, the latest first."""
    for step in entry.late[:MOST_STEPS]:
        yield StepRow(
            _step(step),
            _ended(step.before_ms, step.before_of_100),
            _ended(step.after_ms, step.after_of_100),
            step.before_of_100 > step.after_of_100,
        )


def more_steps(entry: WhatIfEntry) -> int:
    """How many late steps are not among the rows."""
    return max(len(entry.late) - MOST_STEPS, 0) + entry.late_more


def others(answer: WhatIf, affected: Sequence[WhatIfEntry], all_of_them: str) -> Iterator[str]:
    """What is not affected, what is not shown, and what was looked at.

    Args:
        answer: the answer.
        affected: the entries that are.
        all_of_them: where to see those that are not shown.
    """
    same = [entry.entry for entry in answer.entries if not entry.affected]
    if not affected:
        yield "It makes no difference to any request that was looked at."
    if len(affected) > MOST_ENTRIES:
        yield f"{counted(len(affected) - MOST_ENTRIES, 'more entry operation')} are affected ({all_of_them})."
    if same:
        yield f"Not affected: {listed(same)}."
    looked = answer.looked_at
    when = f", {answer.since:%F %T} to {answer.until:%F %T} UTC" if answer.since and answer.until else ""
    yield f"{looked.traces:,} of {counted(looked.of, 'trace')} looked at{when}."


def share(of_100: float | None) -> str:
    """How many of 100."""
    if of_100 is None:
        return "–"
    return f"{of_100:.1f}" if of_100 and of_100 < _PERCENT else f"{of_100:.0f}"


def _step(step: LateStep) -> str:
    how = " by message" if step.by_message else ""
    return f"{shortened(step.service)}  {shortened(step.operation)}{how}"


def _ended(ms: float | None, of_100: float) -> str:
    if ms is None or not of_100:
        return "never"
    told = f"+{format_duration(ms)}"
    return told if of_100 > _WHOLE else f"{told} in {share(of_100)} of 100"


def _shares(between: tuple[float, float] | None) -> str:
    return "" if between is None else f"{share(between[0])} to {share(between[1])}"


def _time(ms: float | None) -> str:
    return "unknown" if ms is None else format_duration(ms)


def _times(between: tuple[float, float] | None) -> str:
    return "" if between is None else f"{_time(between[0])} to {_time(between[1])}"
