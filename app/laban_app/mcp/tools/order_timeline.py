"""The tool that shows the timeline of an order: what ran, where it waited, and how long it took."""

from collections.abc import Iterator
from typing import Annotated, Final

from mcp_types import CallToolResult
from pydantic import BaseModel

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import Cursor, Key, Value
from laban_app.mcp.asking import Asking
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import PageReply, Told, safe, told_page
from laban_app.mcp.server import Registry
from laban_app.mcp.tools.stories import StoryCursor, story_of, title_of, words_of
from laban_mapper.model import Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import Wait, rows
from laban_mapper.story.timeline import Line, since_start
from laban_mapper.times import format_duration

_ERROR: Final = 70
_DEEPEST: Final = 10


class TimelineItem(BaseModel):
    """What a service did, or how long a message waited: then `waited_ms` or `topic` is given."""

    at_ms: float | None = None
    depth: int | None = None
    service: str
    operation: str | None = None
    took_ms: float | None = None
    critical_ms: float | None = None
    error: str | None = None
    notes: list[str] | None = None
    stands_for: int | None = None
    span: str | None = None
    topic: str | None = None
    waited_ms: float | None = None


class OrderTimeline(PageReply):
    """A page of the timeline."""

    items: list[TimelineItem]


def add_order_timeline(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="Timeline of an order",
        description="What ran for an order, in which service, after which wait, and how long it took, as a "
        "tree in pages. Small and equal steps share a line. Use it after explain_order, to see where time "
        "went or what came before an error.",
    )
    async def order_timeline(
        value: Value, key: Key = "order", cursor: Cursor = None
    ) -> Annotated[CallToolResult, OrderTimeline]:
        return await asking.tell(lambda answers: _timeline(answers, key, value, cursor), settled=False)


def _timeline(answers: TraceAnswers, key: str, value: str, cursor: str | None) -> Told:
    story = story_of(answers, key, value)
    page = StoryCursor(cursor, story)
    return told_page(
        list(_rows(story)),
        page.start,
        lambda row: _wait_line(row) if isinstance(row, Wait) else _line(story, row),
        lambda row: _wait_item(row) if isinstance(row, Wait) else _item(story, row),
        OrderTimeline,
        head=[f"{title_of(story)}; times after the begin, {format_duration(story.duration_ms)} in total"],
        cursor=page.at,
        words=words_of(
            story,
            page,
            "span_details with the same value and the span of a line for attributes and exceptions",
        ),
    )


def _rows(story: Story) -> Iterator[Line | Wait]:
    for chapter in rows(story, max(1, len(story.steps))).chapters:
        if chapter.wait is not None:
            yield chapter.wait
        yield from chapter.lines


def _wait_line(wait: Wait) -> str:
    return harmless(f"... waited {phrases.wait(wait)}")


def _wait_item(wait: Wait) -> TimelineItem:
    return TimelineItem(service=wait.consumer, topic=wait.topic, waited_ms=wait.ms)


def _line(story: Story, line: Line) -> str:
    step = line.step
    critical = phrases.critical(line)
    parts = [
        (
            f"{phrases.when(since_start(story, step))} {'. ' * min(line.depth, _DEEPEST)}"
            f"{safe(step.service)} {safe(step.operation)}: {phrases.took(line)}"
        ),
        f"critical {critical}" if critical else "",
        harmless(phrases.details(line)),
        phrases.corrected(story, step.service),
        f"ERROR {harmless(phrases.error(step) or '', _ERROR)}" if step.status == "error" else "",
        f"span {safe(step.span_id)}" if step.status == "error" else "",
        *(harmless(note) for note in phrases.notes(line)),
    ]
    return ", ".join(part for part in parts if part)


def _item(story: Story, line: Line) -> TimelineItem:
    step = line.step
    return TimelineItem(
        at_ms=round(since_start(story, step), 3),
        depth=line.depth,
        service=safe(step.service),
        operation=safe(step.operation),
        took_ms=round(sum(one.duration_ms for one in line.equal) or step.duration_ms, 3),
        critical_ms=phrases.critical_ms(line),
        error=harmless(phrases.error(step) or "", _ERROR) or None,
        stands_for=line.stands_for if line.stands_for > 1 else None,
        span=step.span_id,
        notes=[harmless(note) for note in phrases.notes(line)] or None,
    )
