"""What tools about one order share: its story, where its diagram is, and its cursor."""

from urllib.parse import quote

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import parse_cursor
from laban_app.mcp.asking import time_of
from laban_app.mcp.reply import Words, safe
from laban_mapper.model import Story
from laban_mapper.story.forms import phrases

TRACE_KEY = "trace"
"""The key under which a trace ID is a value."""


def story_of(
    answers: TraceAnswers, key: str, value: str, since: str | None = None, until: str | None = None
) -> Story:
    """The story of a business key value, or of a trace.

    Raises:
        UnknownValue: no trace carries the value.
        UnknownTrace: no span of the trace is stored.
    """
    if key == TRACE_KEY:
        return answers.story_of_trace(value)
    return answers.story(key, value, time_of(since), time_of(until))


def diagram_of(story: Story) -> str:
    """The URI of the sequence diagram of a story."""
    return f"laban://diagram/order/{quote(story.key, safe='')}/{quote(story.value, safe='')}"


class StoryCursor:
    """The pages of a list of a story, which may grow between them.

    Args:
        cursor: of the page before, if any.
        story: the story now.
    """

    def __init__(self, cursor: str | None, story: Story) -> None:
        self.start, spans = parse_cursor(cursor)
        self._spans = story.spans
        self._first = self._spans if spans is None else spans

    def at(self, index: int) -> str:
        """The cursor of the page that begins at an index."""
        return f"{index}.{self._first}"

    @property
    def changes(self) -> list[str]:
        """What to say if the story has changed since the first page."""
        if self._spans == self._first:
            return []
        return [
            (
                f"the story had {self._first:,} spans at the first page and has {self._spans:,} now, so "
                "lines may be missing or come twice: begin again without cursor if that matters"
            )
        ]


def title_of(story: Story) -> str:
    """The key, the value and the outcome of a story; harmless."""
    return f"{safe(story.key, 14)} {safe(story.value, 24)}: {phrases.OUTCOMES[story.outcome]}"


def words_of(story: Story, page: StoryCursor, following: str | None) -> Words:
    """laban's own words about a page of a list of a story."""
    words = Words(next=[following] if following else [], left_out=page.changes)
    if story.truncated:
        words.left_out.append("the story has more spans than laban reads at once")
    return words
