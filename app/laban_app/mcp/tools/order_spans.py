"""The tool that lists the spans of an order one by one."""

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
from laban_mapper.model import Step, Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.timeline import since_start
from laban_mapper.times import format_duration

_ERROR: Final = 70


class SpanReply(BaseModel):
    """A span of the story."""

    trace: str
    span: str
    parent: str | None = None
    service: str
    operation: str
    kind: str
    at_ms: float
    took_ms: float
    status: str
    error: str | None = None


class OrderSpans(PageReply):
    """A page of the spans."""

    items: list[SpanReply]


def add_order_spans(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="Spans of an order",
        description="All spans of an order one by one, with their IDs, in pages. Use it only if the timeline "
        "is not enough, or to find a span for span_details.",
    )
    async def order_spans(
        value: Value, key: Key = "order", cursor: Cursor = None
    ) -> Annotated[CallToolResult, OrderSpans]:
        return await asking.tell(lambda answers: _spans(answers, key, value, cursor), settled=False)


def _spans(answers: TraceAnswers, key: str, value: str, cursor: str | None) -> Told:
    story = story_of(answers, key, value)
    page = StoryCursor(cursor, story)
    return told_page(
        story.steps,
        page.start,
        lambda step: _span_line(story, step),
        lambda step: _span(story, step),
        OrderSpans,
        head=[f"{title_of(story)}; each: time, service, operation, kind, duration, span"],
        total=len(story.steps),
        cursor=page.at,
        words=words_of(story, page, "span_details for the attributes, events and links of a span"),
    )


def _span_line(story: Story, step: Step) -> str:
    error = f", ERROR {harmless(phrases.error(step) or '', _ERROR)}" if step.status == "error" else ""
    return (
        f"{phrases.when(since_start(story, step))} {safe(step.service)} {safe(step.operation)}, {step.kind}, "
        f"{format_duration(step.duration_ms)}, {safe(step.span_id)}{error}"
    )


def _span(story: Story, step: Step) -> SpanReply:
    return SpanReply(
        trace=step.trace_id,
        span=step.span_id,
        parent=step.parent_id,
        service=safe(step.service),
        operation=safe(step.operation),
        kind=step.kind,
        at_ms=round(since_start(story, step), 3),
        took_ms=round(step.duration_ms, 3),
        status=step.status,
        error=harmless(phrases.error(step) or "", _ERROR) or None,
    )
