"""The tool that shows the messages of an order, and what became of each in every consumer group."""

from datetime import datetime
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
from laban_mapper.contracts import contract_name
from laban_mapper.model import Message
from laban_mapper.story.forms import phrases
from laban_mapper.story.messages import unread_reason

_DETAILS: Final = 70
_GROUPS: Final = 8


class GroupReply(BaseModel):
    """What became of a message in a consumer group."""

    group: str
    state: str
    details: str | None = None


class MessageReply(BaseModel):
    """A message that was published for the order."""

    topic: str
    event: str | None = None
    partition: int | None = None
    offset: int | None = None
    published: datetime
    by: str
    groups: list[GroupReply]
    more_groups: int | None = None


class OrderMessages(PageReply):
    """A page of the messages."""

    items: list[MessageReply]


def add_order_messages(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="Messages of an order",
        description="Each message that was published for an order, and what became of it in every consumer "
        "group: processed, failed, retried, dead-lettered, waiting, or not seen. Use it if something did not "
        "happen, happened twice, or waits.",
    )
    async def order_messages(
        value: Value, key: Key = "order", cursor: Cursor = None
    ) -> Annotated[CallToolResult, OrderMessages]:
        return await asking.tell(lambda answers: _messages(answers, key, value, cursor), settled=False)


def _messages(answers: TraceAnswers, key: str, value: str, cursor: str | None) -> Told:
    story = story_of(answers, key, value)
    page = StoryCursor(cursor, story)
    waits = any(state.state == "waiting" for message in story.messages for state in message.groups)
    return told_page(
        story.messages,
        page.start,
        _message_line,
        _message,
        OrderMessages,
        head=[title_of(story)],
        cursor=page.at,
        words=words_of(story, page, "who_waits for what is before a waiting message" if waits else None),
        empty="no message was published for it, as far as spans tell",
    )


def _message_line(message: Message) -> str:
    shown = _message(message)
    event = f" ({shown.event})" if shown.event else ""
    place = f" at {phrases.position(message)}" if message.offset is not None else ""
    groups = "; ".join(
        f"{one.group}: {one.state}{f' ({one.details})' if one.details else ''}" for one in shown.groups
    )
    more = f"; and {shown.more_groups} more groups" if shown.more_groups else ""
    published = f"{message.published:%H:%M:%S}.{message.published.microsecond // 1000:03d}"
    return (
        f"{shown.topic}{event}{place}, by {shown.by} at {published}: {groups or unread_reason(message)}{more}"
    )


def _message(message: Message) -> MessageReply:
    event = contract_name(message.event_type, message.version)
    return MessageReply(
        topic=safe(message.topic),
        event=safe(event) if event else None,
        partition=message.partition,
        offset=message.offset,
        published=message.published,
        by=safe(message.service),
        groups=[
            GroupReply(
                group=safe(state.group),
                state=state.state,
                details=harmless(phrases.state_details(state), _DETAILS) or None,
            )
            for state in message.groups[:_GROUPS]
        ],
        more_groups=max(0, len(message.groups) - _GROUPS) or None,
    )
