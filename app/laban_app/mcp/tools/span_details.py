"""The tool that shows one span whole: attributes, events such as exceptions, links, and its origin."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import Cursor, Key, Value, start_of
from laban_app.mcp.asking import Asking, InvalidArgument
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import PageReply, Told, Words, safe, told_page
from laban_app.mcp.server import Registry
from laban_app.mcp.tools.stories import story_of
from laban_mapper.times import format_duration
from laban_mapper.trace import TraceSpan

_READ: Final = 5_000
"""Spans of a trace that are searched."""
_VALUE: Final = 200
"""Tokens of an attribute; stack traces are long."""

Span = Annotated[
    str, Field(min_length=1, max_length=64, description="The span ID, from another answer about the order.")
]


class Detail(BaseModel):
    """An attribute, or something else that the span says."""

    of: str
    name: str
    value: str


class SpanDetails(PageReply):
    """A page of what a span says."""

    trace: str
    span: str
    parent: str | None = None
    service: str
    operation: str
    kind: str
    status: str
    took_ms: float
    items: list[Detail]


def add_span_details(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="One span, whole",
        description="Everything that one span of an order says: attributes, events such as exceptions with "
        "their stack trace, retries and circuit breakers, links, resource. Use it to see why an operation "
        "failed, with a span ID from explain_order, order_timeline or order_spans.",
    )
    async def span_details(
        value: Value, span: Span, key: Key = "order", cursor: Cursor = None
    ) -> Annotated[CallToolResult, SpanDetails]:
        return await asking.tell(lambda answers: _told(answers, key, value, span, cursor), settled=False)


def _told(answers: TraceAnswers, key: str, value: str, span_id: str, cursor: str | None) -> Told:
    start = start_of(cursor)
    span_id = span_id.strip().lower()
    found = _find(answers, key, value, span_id)
    took = found.duration_ns / 1e6
    head = (
        f"{safe(found.resource.service)} {safe(found.name)}, {found.kind}, {found.status}, "
        f"{format_duration(took)}; trace {safe(found.trace_id)} span {safe(found.span_id)}"
    )
    dropped = [
        f"{number:,} {what} that the service or the collector dropped"
        for what, number in (
            ("attributes", found.dropped_attributes),
            ("events", found.dropped_events),
            ("links", found.dropped_links),
        )
        if number
    ]
    return told_page(
        list(_details(found)),
        start,
        lambda one: f"{one.of}: {one.name} = {one.value}" if one.name else f"{one.of}: {one.value}",
        lambda one: one,
        partial(
            SpanDetails,
            trace=found.trace_id,
            span=found.span_id,
            parent=found.parent_id,
            service=safe(found.resource.service),
            operation=safe(found.name),
            kind=found.kind,
            status=found.status,
            took_ms=round(took, 3),
        ),
        head=[head],
        words=Words(left_out=dropped),
        empty="it has no attributes, events or links",
    )


def _find(answers: TraceAnswers, key: str, value: str, span_id: str) -> TraceSpan:
    story = story_of(answers, key, value)
    traces = [step.trace_id for step in story.steps if step.span_id == span_id]
    if not traces:
        raise InvalidArgument(
            "This order has no span with this ID. order_spans lists the IDs; they have 16 hex digits."
        )
    spans = answers.trace(traces[0], _READ).spans
    for span in spans:
        if span.span_id == span_id:
            return span
    raise InvalidArgument(f"The span is not among the first {_READ:,} of its trace.")


def _details(span: TraceSpan) -> Iterator[Detail]:
    if span.status_message:
        yield Detail(of="status message", name="", value=harmless(span.status_message, _VALUE))
    yield from _attributes("attribute", span.attributes)
    for event in span.events:
        at = format_duration(max(0.0, (event.time_ns - span.start_ns) / 1e6))
        name = safe(event.name)
        yield Detail(of="event", name=name, value=f"after {at}")
        yield from _attributes(f"event {name}", event.attributes)
    for link in span.links:
        yield Detail(of="link", name="trace", value=safe(link.trace_id))
        yield Detail(of="link", name="span", value=safe(link.span_id))
        yield from _attributes("link", link.attributes)
    yield from _attributes("resource", span.resource.attributes)
    version = f" {span.scope.version}" if span.scope.version else ""
    yield Detail(of="scope", name="", value=safe(f"{span.scope.name}{version}"))


def _attributes(of: str, attributes: Mapping[str, Any]) -> Iterator[Detail]:
    for name, value in attributes.items():
        yield Detail(of=of, name=safe(name), value=harmless(_shown(value), _VALUE))


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value[:50]))
    return str(value)
