"""The answer to a what-if question for the terminal."""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from laban_mapper.model_whatif import WhatIf, WhatIfEntry
from laban_mapper.names import counted, shortened
from laban_mapper.whatif.words import (
    MOST_ENTRIES,
    basis,
    joined,
    more_steps,
    others,
    outcome_rows,
    step_rows,
)


def show_what_if(answer: WhatIf, console: Console) -> None:
    """Print what becomes of each entry operation that the changes affect, and what was assumed."""
    console.print(Text(f"If {joined(answer.changes)}:", style="bold"))
    affected = [entry for entry in answer.entries if entry.affected]
    for entry in affected[:MOST_ENTRIES]:
        console.print()
        _show_entry(entry, console)
    console.print()
    for line in others(answer, affected, "--json"):
        console.print(Text(line, style="dim"))
    if answer.assumptions:
        console.print()
        console.print(Text("This rests on:", style="bold"))
        for sentence in answer.assumptions:
            console.print(Padding(Text(f"- {sentence}"), (0, 0, 0, 2), expand=False))


def _show_entry(entry: WhatIfEntry, console: Console) -> None:
    console.print(Text(shortened(entry.entry), style="bold cyan"), Text(basis(entry), style="dim"))
    table = _table("", "before", "after", "range")
    for row in outcome_rows(entry):
        changed = Text(row.after, style="" if row.before == row.after else "bold")
        table.add_row(row.name, row.before, changed, Text(row.between, style="dim"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    if entry.late:
        steps = _table("late, or never", "before", "after")
        for step in step_rows(entry):
            steps.add_row(step.name, step.before, Text(step.after, style="bold red" if step.never else ""))
        console.print(Padding(steps, (1, 0, 0, 2), expand=False))
        more = more_steps(entry)
        if more > 0:
            console.print(Text(f"  and {counted(more, 'step')} more (--json)", style="dim"))


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(headings[0], overflow="fold")
    for heading in headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
