"""Writes a story in one of its forms."""

from collections.abc import Callable
from typing import Final, Literal, get_args

from laban_mapper.model import Story
from laban_mapper.story.forms.html import to_html
from laban_mapper.story.forms.markdown import to_markdown
from laban_mapper.story.forms.mermaid import to_mermaid

StoryForm = Literal["markdown", "mermaid", "html"]
STORY_FORMS: Final[tuple[StoryForm, ...]] = get_args(StoryForm)

MEDIA_TYPES: Final[dict[StoryForm, str]] = {
    "markdown": "text/markdown",
    "mermaid": "text/vnd.mermaid",
    "html": "text/html",
}
_WRITERS: Final[dict[StoryForm, Callable[[Story], str]]] = {
    "markdown": to_markdown,
    "mermaid": to_mermaid,
    "html": to_html,
}


def write(story: Story, form: StoryForm) -> str:
    """The story in a form; the same story always gives the same text."""
    return _WRITERS[form](story)
