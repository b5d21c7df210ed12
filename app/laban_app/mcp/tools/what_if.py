"""The tool that says what would happen if something changed."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any, Final

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import Cursor, Since, Until, start_of
from laban_app.mcp.asking import Asking, time_of
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import PageReply, Told, Words, safe, told_page
from laban_app.mcp.server import Registry
from laban_mapper.model_whatif import LateStep, WhatIf, WhatIfEntry
from laban_mapper.times import format_duration
from laban_mapper.whatif.assumptions import FEW
from laban_mapper.whatif.changes import MOST_CHANGES, ChangeTexts

_LATE: Final = 5
_ASSUMPTIONS: Final = 8

_Text = Annotated[str, Field(max_length=1_000)]
Down = Annotated[
    list[_Text], Field(max_length=MOST_CHANGES, description="Services, databases or hosts that are down.")
]
Slow = Annotated[
    list[_Text],
    Field(
        max_length=MOST_CHANGES,
        description="What takes longer: pricing=500ms for each request, order->pricing=50ms for each call.",
    ),
]
Turned = Annotated[
    list[_Text],
    Field(max_length=MOST_CHANGES, description="Calls that become messages: order->inventory."),
]
Timeout = Annotated[
    list[_Text],
    Field(max_length=MOST_CHANGES, description="How long a caller waits: order->pricing=300ms."),
]
Retries = Annotated[
    list[_Text],
    Field(max_length=MOST_CHANGES, description="How often a caller tries again: order->pricing=2."),
]


class EntryReply(BaseModel):
    """An entry operation before and after: failed requests of 100, and times until the reply."""

    entry: str
    affected: bool
    traces: int
    failed_before: float | None = None
    failed_after: float | None = None
    failed_range: tuple[float, float] | None = None
    unfinished_after: float | None = None
    p50_before_ms: float | None = None
    p50_after_ms: float | None = None
    p95_before_ms: float | None = None
    p95_after_ms: float | None = None
    p95_range_ms: tuple[float, float] | None = None
    late: list[str]


class WhatIfReply(PageReply):
    """A page of the entry operations, those that are affected first."""

    changes: list[str]
    assumptions: list[str]
    items: list[EntryReply]


def add_what_if(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="What would happen if",
        description="What would become of requests if a service were down or slow, a call became a message, "
        "or a timeout or retries were set: failed of 100, p50 and p95 before and after, with a range. It "
        "replays recorded traces; nothing is changed. Give at least one change; they apply together.",
    )
    async def what_if(
        down: Down = [],  # noqa: B006 - the SDK reads the defaults, and nobody changes them
        slow: Slow = [],  # noqa: B006
        turned_async: Turned = [],  # noqa: B006
        timeout: Timeout = [],  # noqa: B006
        retries: Retries = [],  # noqa: B006
        since: Since = None,
        until: Until = None,
        cursor: Cursor = None,
    ) -> Annotated[CallToolResult, WhatIfReply]:
        texts = ChangeTexts(down, slow, turned_async, timeout, retries)
        return await asking.tell(lambda answers: _told(answers, texts, since, until, cursor))


def _told(
    answers: TraceAnswers, texts: ChangeTexts, since: str | None, until: str | None, cursor: str | None
) -> Told:
    start = start_of(cursor)
    found = answers.what_if(texts, time_of(since), time_of(until))
    assumptions = [harmless(one, 60) for one in found.assumptions[:_ASSUMPTIONS]]
    words = Words()
    if len(found.assumptions) > _ASSUMPTIONS:
        words.left_out.append(f"{len(found.assumptions) - _ASSUMPTIONS} more assumptions")
    return told_page(
        found.entries,
        start,
        _line,
        _entry,
        _shape(found, assumptions),
        head=list(_head(found, assumptions)),
        words=words,
        empty="no request was looked at",
    )


def _shape(found: WhatIf, assumptions: list[str]) -> Callable[..., WhatIfReply]:
    changes = [harmless(one) for one in found.changes]
    return partial(WhatIfReply, changes=changes, assumptions=assumptions)


def _head(found: WhatIf, assumptions: list[str]) -> Iterator[str]:
    affected = sum(entry.affected for entry in found.entries)
    changes = harmless(" and ".join(found.changes))
    yield f"if {changes}: {affected:,} of {len(found.entries):,} entry operations are affected"
    looked = found.looked_at
    yield f"it rests on {looked.traces:,} of {looked.of:,} traces, and on these assumptions:"
    for one in assumptions:
        yield f"- {one}"


def _line(entry: WhatIfEntry) -> str:
    name = harmless(entry.entry)
    if not entry.affected:
        return f"{name}: not affected"
    before, after, between = entry.before, entry.after, entry.range
    parts = [
        (
            f"fail of 100: {_number(before.failed)} before, {_number(after.failed)} "
            f"after{_between(between.failed, _number)}"
        ),
        "" if after.unfinished is None else f"fail later or wait, of 100: {_number(after.unfinished)} after",
        f"p50 {_time(before.p50_ms)} before, {_time(after.p50_ms)} after{_between(between.p50_ms, _time)}",
        f"p95 {_time(before.p95_ms)} before, {_time(after.p95_ms)} after{_between(between.p95_ms, _time)}",
        f"late or never: {'; '.join(_late(entry))}" if entry.late else "",
    ]
    rough = f", rough: fewer than {FEW}" if entry.traces < FEW else ""
    return f"{name} ({entry.traces:,} traces{rough}): {', '.join(part for part in parts if part)}"


def _late(entry: WhatIfEntry) -> list[str]:
    told = [_late_step(step) for step in entry.late[:_LATE]]
    more = len(entry.late) - _LATE + entry.late_more
    return [*told, *([f"and {more} more"] if more > 0 else [])]


def _late_step(step: LateStep) -> str:
    how = " by message" if step.by_message else ""
    name = f"{safe(step.service, 14)} {safe(step.operation, 24)}{how}"
    if step.after_ms is None or not step.after_of_100:
        return f"{name} never, before in {step.before_of_100:.0f} of 100"
    return f"{name} after {format_duration(step.after_ms)}, in {step.after_of_100:.0f} of 100"


def _entry(entry: WhatIfEntry) -> EntryReply:
    before, after, between = entry.before, entry.after, entry.range
    values: dict[str, Any] = {
        "failed_before": before.failed,
        "failed_after": after.failed,
        "failed_range": between.failed,
        "unfinished_after": after.unfinished,
        "p50_before_ms": before.p50_ms,
        "p50_after_ms": after.p50_ms,
        "p95_before_ms": before.p95_ms,
        "p95_after_ms": after.p95_ms,
        "p95_range_ms": between.p95_ms,
    }
    return EntryReply(
        entry=harmless(entry.entry),
        affected=entry.affected,
        traces=entry.traces,
        late=_late(entry) if entry.affected else [],
        **values,
    )


def _number(of_100: float | None) -> str:
    return "unknown" if of_100 is None else f"{of_100:.3g}"


def _time(ms: float | None) -> str:
    return "unknown" if ms is None else format_duration(ms)


def _between(between: tuple[float, float] | None, tell: Callable[[float], str]) -> str:
    return "" if between is None else f" (range {tell(between[0])} to {tell(between[1])})"
