"""Answers for an assistant: text and JSON with the same content, both within a number of tokens."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict, Field

from laban_app.mcp.data_text import NOTICE, block, harmless, harmless_values
from laban_app.mcp.tokens import tokens

FIRST: Final = 600
"""Tokens of the first answer about something, as text and as JSON."""
PAGE: Final = 2_000
"""Tokens of a page of a list, as text."""
PAGE_JSON: Final = 4_000
"""Tokens of the same page as JSON."""
_OWN_WORDS: Final = 140
"""Tokens for laban's own words around the data, and around the items in JSON."""

T = TypeVar("T")


class Reply(BaseModel):
    """What every answer has."""

    model_config = ConfigDict(frozen=True)

    notice: Annotated[str, Field(description="How to read the texts.")] = NOTICE
    left_out: Annotated[list[str], Field(description="What this answer does not show.")] = []


class PageReply(Reply):
    """What every page of a list has."""

    total: Annotated[
        int, Field(description="Items of the whole list; if `at_least`, so many are known until now.")
    ]
    at_least: bool | None = None
    next_cursor: Annotated[
        str | None, Field(description="Ask again with it for the next page; absent on the last one.")
    ] = None


class Told(NamedTuple):
    """An answer.

    Attributes:
        text: for reading.
        reply: the same as values; its texts may still be unsafe.
    """

    text: str
    reply: Reply

    def result(self) -> CallToolResult:
        """What goes to the client."""
        return CallToolResult(
            content=[TextContent(type="text", text=self.text)], structured_content=as_json(self.reply)
        )


class Fact(NamedTuple):
    """One line of an answer.

    Attributes:
        label: laban's word for it.
        text: may come from spans; harmless already.
        values: the same as fields of the reply.
        need: 0 must be in the answer; of the others, the largest are left out first.
    """

    label: str
    text: str
    values: Mapping[str, Any]
    need: int = 0


@dataclass(frozen=True, slots=True)
class Words:
    """laban's own words after the data: they contain no text from spans.

    Attributes:
        left_out: what the answer does not show.
        next: which tool to use next, and what for.
    """

    left_out: list[str] = field(default_factory=list[str])
    next: list[str] = field(default_factory=list[str])


def told_facts(facts: Sequence[Fact], shape: Callable[..., Reply], words: Words, most: int = FIRST) -> Told:
    """An answer of facts; those that are needed least are left out until text and JSON fit, and are named."""
    kept, dropped = list(facts), list[str]()
    while True:
        left_out = [*words.left_out, *([f"no room for: {', '.join(dropped)}"] if dropped else [])]
        values = {name: value for fact in kept for name, value in fact.values.items()}
        reply = shape(**values, left_out=left_out)
        text = _text((f"{fact.label}: {fact.text}" for fact in kept), left_out, words.next)
        fits = tokens(text) <= most and json_tokens(as_json(reply)) <= most
        least = max(kept, key=lambda fact: fact.need)
        if fits or least.need == 0:
            return Told(text, reply)
        kept.remove(least)
        dropped.insert(0, least.label)


def told_page(
    items: Sequence[T],
    start: int,
    line: Callable[[T], str],
    shape: Callable[[T], BaseModel],
    reply: Callable[..., PageReply],
    *,
    head: Sequence[str] = (),
    total: int | None = None,
    at_least: bool = False,
    cursor: Callable[[int], str] = str,
    words: Words | None = None,
    empty: str = "nothing",
) -> Told:
    """A page of a list: as many items as fit, and at least one.

    Args:
        items: of the list, from its begin.
        start: index of the first item of the page.
        line: an item as a line; harmless.
        shape: an item as values.
        reply: makes the reply from `items`, `total`, `next_cursor` and `left_out`.
        head: lines before the items; harmless.
        total: items of the whole list; None: these.
        at_least: whether there may be more than these.
        cursor: makes the cursor of the page that begins at an index.
        words: laban's own words.
        empty: the line of an empty list.
    """
    words = words or Words()
    total = len(items) if total is None else total
    lines, shapes = list(head), list[Any]()
    room = PAGE - tokens("\n".join(head)) - _OWN_WORDS
    room_json = PAGE_JSON - _OWN_WORDS
    for item in items[start:]:
        one, value = line(item), as_json(shape(item))
        room -= tokens(one) + 1
        room_json -= json_tokens(value)
        if shapes and min(room, room_json) < 0:
            break
        lines.append(one)
        shapes.append(value)
    if not shapes:
        lines.append(empty)
    end = start + len(shapes)
    further = cursor(end) if end < total else None
    left_out = list(words.left_out)
    if start:
        left_out.insert(0, f"the {start:,} before these")
    if further is not None:
        least = "at least " if at_least else ""
        left_out.insert(0, f"{least}{total - end:,} more: ask again with cursor={further}")
    made = reply(items=shapes, total=total, at_least=at_least or None, next_cursor=further, left_out=left_out)
    return Told(_text(lines, left_out, words.next), made)


def as_json(reply: BaseModel) -> dict[str, Any]:
    """A reply as harmless JSON, without what is unknown."""
    found: dict[str, Any] = harmless_values(reply.model_dump(mode="json", exclude_none=True))
    return found


def json_tokens(value: Any) -> int:
    """The tokens of a value as JSON."""
    return tokens(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def safe(text: str, most: int = 40) -> str:
    """A name or another short text from spans; a dash if it is empty."""
    return harmless(text, most) or "–"


def _text(lines: Iterable[str], left_out: Sequence[str], following: Sequence[str]) -> str:
    parts = [block(lines)]
    if left_out:
        parts.append(f"Left out: {'; '.join(left_out)}.")
    if following:
        parts.append(f"Next: {'; '.join(following)}.")
    return "\n".join(parts)
