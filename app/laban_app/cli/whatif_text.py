"""The answer to a what-if question for the terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from laban_app.cli.terminal import count
from laban_mapper.model_whatif import LateStep, WhatIf, WhatIfEntry
from laban_mapper.names import listed, shortened
from laban_mapper.times import format_duration
from laban_mapper.whatif.assumptions import FEW

_MOST_ENTRIES: Final = 10
_MOST_STEPS: Final = 8
_PERCENT: Final = 10
"""Shares below this are shown with a decimal."""
_WHOLE: Final = 99.95


def show_what_if(answer: WhatIf, console: Console) -> None:
    """Print what becomes of each entry operation that the changes affect, and what was assumed."""
    console.print(Text(f"If {_joined(answer.changes)}:", style="bold"))
    affected = [entry for entry in answer.entries if entry.affected]
    for entry in affected[:_MOST_ENTRIES]:
        console.print()
        _show_entry(entry, console)
    console.print()
    for line in _others(answer, affected):
        console.print(Text(line, style="dim"))
    if answer.assumptions:
        console.print()
        console.print(Text("This rests on:", style="bold"))
        for sentence in answer.assumptions:
            console.print(Padding(Text(f"- {sentence}"), (0, 0, 0, 2), expand=False))


def _show_entry(entry: WhatIfEntry, console: Console) -> None:
    console.print(Text(shortened(entry.entry), style="bold cyan"), Text(_basis(entry), style="dim"))
    table = _table("", "before", "after", "range")
    for name, before, after, between in _rows(entry):
        changed = Text(after, style="" if before == after else "bold")
        table.add_row(name, before, changed, Text(between, style="dim"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    if entry.late:
        steps = _table("late, or never", "before", "after")
        for step in entry.late[:_MOST_STEPS]:
            steps.add_row(_step(step), _ended(step.before_ms, step.before_of_100), _after(step))
        console.print(Padding(steps, (1, 0, 0, 2), expand=False))
        more = len(entry.late) - _MOST_STEPS + entry.late_more
        if more > 0:
            console.print(Text(f"  and {count(more, 'step')} more (--json)", style="dim"))


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(headings[0], overflow="fold")
    for heading in headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _rows(entry: WhatIfEntry) -> Iterator[tuple[str, str, str, str]]:
    before, after, between = entry.before, entry.after, entry.range
    yield "fail, of 100", _share(before.failed), _share(after.failed), _shares(between.failed)
    if before.unfinished is not None or after.unfinished is not None:
        name = "fail later, or wait, of 100"
        yield name, _share(before.unfinished), _share(after.unfinished), _shares(between.unfinished)
    yield "p50 of replies", _time(before.p50_ms), _time(after.p50_ms), _times(between.p50_ms)
    yield "p95 of replies", _time(before.p95_ms), _time(after.p95_ms), _times(between.p95_ms)


def _basis(entry: WhatIfEntry) -> str:
    told = f"{entry.traces:,} of {count(entry.seen, 'trace')}"
    left_out = ", ".join(f"{number:,} {reason}" for reason, number in entry.left_out.items())
    told += f"; left out: {left_out}" if left_out else ""
    return f"{told}; fewer than {FEW}: this is rough" if 0 < entry.traces < FEW else told


def _others(answer: WhatIf, affected: Sequence[WhatIfEntry]) -> Iterator[str]:
    same = [entry.entry for entry in answer.entries if not entry.affected]
    if not affected:
        yield "It makes no difference to any request that was looked at."
    if len(affected) > _MOST_ENTRIES:
        yield f"{count(len(affected) - _MOST_ENTRIES, 'more entry operation')} are affected (--json)."
    if same:
        yield f"Not affected: {listed(same)}."
    looked = answer.looked_at
    when = f", {answer.since:%F %T} to {answer.until:%F %T} UTC" if answer.since and answer.until else ""
    yield f"{looked.traces:,} of {count(looked.of, 'trace')} looked at{when}."


def _joined(changes: Sequence[str]) -> str:
    return changes[0] if len(changes) == 1 else f"{', '.join(changes[:-1])} and {changes[-1]}"


def _step(step: LateStep) -> str:
    how = " by message" if step.by_message else ""
    return f"{shortened(step.service)}  {shortened(step.operation)}{how}"


def _after(step: LateStep) -> Text:
    never = step.before_of_100 > step.after_of_100
    return Text(_ended(step.after_ms, step.after_of_100), style="bold red" if never else "")


def _ended(ms: float | None, of_100: float) -> str:
    if ms is None or not of_100:
        return "never"
    told = f"+{format_duration(ms)}"
    return told if of_100 > _WHOLE else f"{told} in {_share(of_100)} of 100"


def _share(of_100: float | None) -> str:
    if of_100 is None:
        return "–"
    return f"{of_100:.1f}" if of_100 and of_100 < _PERCENT else f"{of_100:.0f}"


def _shares(between: tuple[float, float] | None) -> str:
    return "" if between is None else f"{_share(between[0])} to {_share(between[1])}"


def _time(ms: float | None) -> str:
    return "unknown" if ms is None else format_duration(ms)


def _times(between: tuple[float, float] | None) -> str:
    return "" if between is None else f"{_time(between[0])} to {_time(between[1])}"
