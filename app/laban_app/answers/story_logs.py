"""Stories and traces with their log records."""

from collections.abc import Callable, Iterator

from laban_app.answers.protocol import TraceAnswers
from laban_mapper.model import Logs, Story
from laban_mapper.story.logs import MOST_TRACES, with_logs


def told_with_logs(answers: TraceAnswers, story: Story) -> Story:
    """Return a story with the log records of its steps, asked from where the story is from."""
    traces = story.traces[:MOST_TRACES]
    return with_logs(story, answers.logs(traces)) if traces else story


def with_logs_last(pieces: Iterator[bytes], ask: Callable[[], Logs]) -> Iterator[bytes]:
    """Yield a trace as JSON, with the fields of its log records after its own ones."""
    held = b""
    for piece in filter(None, pieces):
        yield held
        held = piece
    found = ask().model_dump_json(include={"logs"})
    yield held.rstrip().removesuffix(b"}") + b"," + found[1:].encode()
