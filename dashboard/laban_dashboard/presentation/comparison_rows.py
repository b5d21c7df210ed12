"""The Compare page's data: both systems, the edges and the lag as rows of tables in Markdown."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from laban_dashboard.presentation import formatting
from laban_mapper.drift.comparison.rows import Change, edge_rows, group_rows, system_rows
from laban_mapper.model_compare import Comparison, SystemSide
from laban_mapper.names import shortened

CHANGE_COLOURS: Final[dict[Change, str]] = {
    "new": "green",
    "gone": "red",
    "rarer": "blue",
    "more often": "orange",
    "slower": "orange",
    "faster": "blue",
    "failing": "red",
    "same": "gray",
}
MOST_EDGES: Final = 100
MOST_GROUPS: Final = 50
WINDOWS: Final = ("10m..5m", "5m..", "30m..15m", "15m..", "2h..1h", "1h..", "25h..24h", "yesterday", "today")
"""Time ranges that are offered; others can be typed."""


def system_table(comparison: Comparison, timezone: tzinfo) -> list[dict[str, str]]:
    """One row for each property of the systems; what differs is bold."""
    sides = (comparison.before, comparison.after)
    headings = [
        f"{when}: {formatting.escape_markdown(shortened(side.name, 40))}"
        for when, side in zip(("Before", "After"), sides, strict=True)
    ]
    rows: list[dict[str, str]] = []
    for row in system_rows(comparison):
        if row.name == "time":
            cells = [_time(side, timezone) for side in sides]
        else:
            cells = [formatting.escape_markdown(row.before), formatting.escape_markdown(row.after)]
            cells[1] = cells[1] if row.before == row.after else f"**{cells[1]}**"
        rows.append({"System": row.name.capitalize(), **dict(zip(headings, cells, strict=True))})
    return rows


def edge_table(comparison: Comparison, *, everything: bool) -> tuple[list[dict[str, str]], int]:
    """One row for each edge that has changed, or for all; and how many are left out."""
    found = [
        row for row in edge_rows(comparison, everything=everything) if everything or row.change != "same"
    ]
    rows = [
        {
            "Edge": formatting.escape_markdown(shortened(row.name, 90)),
            "Change": f":{CHANGE_COLOURS[row.change]}-badge[{row.change}]",
            "Calls": _pair(row.calls),
            "Errors": _pair(row.errors),
            "p50": _pair(row.p50),
            "p95": _pair(row.p95),
        }
        for row in found[:MOST_EDGES]
    ]
    return rows, len(found) - len(rows)


def group_table(comparison: Comparison) -> tuple[list[dict[str, str]], int]:
    """One row for each consumer group, with its most lag on each side; and how many are left out."""
    found = list(group_rows(comparison))
    rows = [
        {
            "Consumer group": formatting.escape_markdown(shortened(group.group)),
            "Most lag before": formatting.escape_markdown(before),
            "Most lag after": formatting.escape_markdown(after)
            if before == after
            else f"**{formatting.escape_markdown(after)}**",
        }
        for group, before, after in found[:MOST_GROUPS]
    ]
    return rows, len(found) - len(rows)


def bullets(texts: Sequence[str], most: int = 20) -> str:
    """Texts as a list in Markdown."""
    lines = [f"- {formatting.escape_markdown(text[:1].upper() + text[1:])}" for text in texts[:most]]
    if len(texts) > most:
        lines.append(f"- and {len(texts) - most} more")
    return "\n".join(lines)


def _time(side: SystemSide, timezone: tzinfo) -> str:
    return formatting.escape_markdown(formatting.time_range(side.since, side.until, timezone))


def _pair(both: tuple[str, str]) -> str:
    before, after = map(formatting.escape_markdown, both)
    return before if before == after else f"{before} → **{after}**"
