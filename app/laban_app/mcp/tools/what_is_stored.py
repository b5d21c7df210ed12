"""The tool that says what laban knows: services, time range, and whether spans arrive."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final

from mcp_types import CallToolResult

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.asking import Asking
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import Fact, Reply, Told, Words, safe, told_facts
from laban_app.mcp.server import Registry
from laban_mapper.model import Status

_SERVICES: Final = 40


class StoredReply(Reply):
    """What is stored."""

    version: str
    spans: int
    traces: int
    first: datetime | None = None
    last: datetime | None = None
    services: list[str] | None = None
    warnings: list[str] | None = None


def add_what_is_stored(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="What is stored",
        description="Which services send spans, from when to when, how many, and what is wrong with the "
        "data. Use it if an answer is empty, or to learn names and the time range.",
    )
    async def what_is_stored() -> Annotated[CallToolResult, StoredReply]:
        return await asking.tell(_told)


def _told(answers: TraceAnswers) -> Told:
    found = answers.status()
    words = Words(next=["service_map", "find_orders"])
    if len(found.services) > _SERVICES:
        words.left_out.append(f"{len(found.services) - _SERVICES:,} more services")
    return told_facts(list(_facts(found)), StoredReply, words, 1_000)


def _facts(found: Status) -> Iterator[Fact]:
    numbers = {"version": found.version, "spans": found.spans, "traces": found.traces}
    yield Fact("stored", f"{found.spans:,} spans in about {found.traces:,} traces", numbers)
    if found.first and found.last:
        yield Fact(
            "time range",
            f"{found.first:%Y-%m-%d %H:%M:%S} to {found.last:%Y-%m-%d %H:%M:%S} UTC",
            {"first": found.first, "last": found.last},
        )
    else:
        yield Fact("time range", "none: no span has arrived", {})
    services = [safe(name, 14) for name in found.services[:_SERVICES]]
    yield Fact(
        f"services ({len(found.services):,})", ", ".join(services) or "none", {"services": services}, need=1
    )
    warnings = [harmless(one, 60) for one in found.warnings[:4]]
    if found.collector is not None and found.collector.failure is not None:
        warnings.insert(0, harmless(f"the database is not available: {found.collector.failure}", 60))
    if warnings:
        yield Fact("warnings", "; ".join(warnings), {"warnings": warnings}, need=2)
