"""A comparison as Markdown, for a ticket or a pull request."""

from collections.abc import Iterator
from typing import Final

from laban_mapper.drift.comparison.rows import edge_rows, group_rows, pair, system_rows
from laban_mapper.model_compare import Comparison
from laban_mapper.reports.markdown import code, text

_MOST_EDGES: Final = 200
_MOST_GROUPS: Final = 100


def to_markdown(comparison: Comparison, *, everything: bool = False) -> str:
    """What the change brought, both systems side by side, the edges, and the lag."""
    names = f"{code(comparison.before.name)} → {code(comparison.after.name)}"
    lines = [f"## Before and after: {names}", ""]
    lines += [f"- {text(sentence)}" for sentence in comparison.brought] or [
        "Nothing has changed that can be told."
    ]
    lines += ["", "| | before | after |", "|---|---|---|"]
    lines += [f"| {row.name} | {text(row.before)} | {text(row.after)} |" for row in system_rows(comparison)]
    lines += ["", *_edges(comparison, everything=everything)]
    if comparison.groups:
        lines += ["", *_groups(comparison)]
    lines += ["", *(f"- {text(note)}" for note in comparison.notes)] if comparison.notes else []
    return "\n".join(lines) + "\n"


def _edges(comparison: Comparison, *, everything: bool) -> Iterator[str]:
    yield "| edge | | calls | errors | p50 | p95 |"
    yield "|---|---|--:|--:|--:|--:|"
    rows = list(edge_rows(comparison, everything=everything))
    for row in rows[:_MOST_EDGES]:
        pairs = (pair(*both) for both in (row.calls, row.errors, row.p50, row.p95))
        yield f"| {code(row.name)} | {row.change} | {' | '.join(pairs)} |"
    if len(rows) > _MOST_EDGES:
        yield f"| … and {len(rows) - _MOST_EDGES:,} more | | | | | |"


def _groups(comparison: Comparison) -> Iterator[str]:
    yield "| most lag of a group | before | after |"
    yield "|---|---|---|"
    for group, before, after in list(group_rows(comparison))[:_MOST_GROUPS]:
        yield f"| {code(group.group)} | {before} | {after} |"
