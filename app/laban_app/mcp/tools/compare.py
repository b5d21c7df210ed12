"""The tool that compares two time ranges."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Final

from mcp_types import CallToolResult
from pydantic import Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.answers.sides import side_of
from laban_app.mcp.asking import Asking
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import Fact, Reply, Told, Words, safe, told_facts
from laban_app.mcp.server import Registry
from laban_mapper.drift.comparison.comparing import compare as compare_sides
from laban_mapper.drift.comparison.rows import edge_rows, group_rows, system_rows
from laban_mapper.drift.comparison.windows import FORMS, parse_window
from laban_mapper.model_compare import Comparison

_MOST: Final = 1_500
_EDGES: Final = 12
_FINDINGS: Final = 6

Window = Annotated[str, Field(min_length=2, max_length=80, description=f"A time range: {FORMS}. UTC.")]


class ComparisonReply(Reply):
    """Two time ranges side by side; each row has the property, before, and after."""

    brought: list[str]
    system: list[str] | None = None
    edges: list[str] | None = None
    lag: list[str] | None = None
    changes: list[str] | None = None
    new_findings: list[str] | None = None
    gone_findings: list[str] | None = None
    notes: list[str] | None = None


def add_compare(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="Compare two time ranges",
        description="What changed between two time ranges: calls, latencies, failures, lag, who talks to "
        "whom, and findings, before and after. Use it for 'what changed since the deployment' or 'is "
        "today slower than yesterday', such as before=2h..1h and after=1h..now.",
    )
    async def compare(before: Window, after: Window) -> Annotated[CallToolResult, ComparisonReply]:
        return await asking.tell(lambda answers: _told(answers, before, after))


def _told(answers: TraceAnswers, before: str, after: str) -> Told:
    now = datetime.now(UTC)
    windows = [(text, parse_window(text, now)) for text in (before, after)]
    one, other = (side_of(answers, safe(text), *window) for text, window in windows)
    found = compare_sides(one, other)
    words = Words(next=["edge for one connection in one of the time ranges", "findings for advice"])
    if found.truncated:
        words.left_out.append("edges with few calls")
    return told_facts(list(_facts(found, words)), ComparisonReply, words, _MOST)


def _facts(found: Comparison, words: Words) -> Iterator[Fact]:
    brought = [harmless(one) for one in found.brought[:8]]
    yield Fact("changed", " ".join(brought) or "nothing that counts as a change", {"brought": brought})
    system = [harmless(f"{row.name}: {row.before} | {row.after}") for row in system_rows(found)]
    yield Fact("before | after", "; ".join(system), {"system": system}, need=1)
    if found.notes:
        notes = [harmless(one) for one in found.notes[:3]]
        yield Fact("notes", "; ".join(notes), {"notes": notes}, need=2)
    rows = list(edge_rows(found, everything=False))
    edges = [
        harmless(
            f"{row.change}: {row.name}, calls {row.calls[0]} | {row.calls[1]}, p50 {row.p50[0]} | "
            f"{row.p50[1]}, p95 {row.p95[0]} | {row.p95[1]}, errors {row.errors[0]} | {row.errors[1]}",
            90,
        )
        for row in rows[:_EDGES]
    ]
    if edges:
        yield Fact("entries, and edges that changed", "; ".join(edges), {"edges": edges}, need=3)
    if len(rows) > _EDGES:
        words.left_out.append(f"{len(rows) - _EDGES:,} more edges that changed")
    groups = [harmless(f"{group.group}: {before} | {after}") for group, before, after in group_rows(found)]
    lag = groups[:_EDGES]
    if len(groups) > len(lag):
        words.left_out.append(f"{len(groups) - len(lag):,} more groups")
    if lag:
        yield Fact("lag", "; ".join(lag), {"lag": lag}, need=4)
    for name, label, findings in (
        ("new_findings", "new findings", found.new_findings),
        ("gone_findings", "findings that are gone", found.gone_findings),
    ):
        told = [harmless(one) for one in findings[:_FINDINGS]]
        if told:
            more = f"; and {len(findings) - len(told)} more" if len(findings) > len(told) else ""
            yield Fact(label, "; ".join(told) + more, {name: told}, need=5)
