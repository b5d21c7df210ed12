"""A story's steps as chapters: the request first, then what each consumer did, each with its calls."""

from collections.abc import Sequence
from typing import NamedTuple

from laban_mapper.model import Step


class Line(NamedTuple):
    """One step of a chapter, and how far it is indented.

    `caller` is the client span of the same call, folded into this line: two spans, one thing that happened.
    """

    depth: int
    step: Step
    caller: Step | None = None


class Chapter(NamedTuple):
    """What one request or one consumer set off without waiting in a queue again."""

    lines: list[Line]

    @property
    def head(self) -> Step:
        """The step that began it."""
        return self.lines[0].step


def chapters(steps: Sequence[Step], *, fold: bool = True) -> list[Chapter]:
    """Chapters by their beginning; inside each the calls, depth first.

    Args:
        steps: all steps of a story.
        fold: join a client span with the server span that answered it, where both tell the same; a call that
            its two sides saw differently (a time-out) keeps both.
    """
    known = {(step.trace_id, step.span_id) for step in steps}
    children: dict[tuple[str, str], list[Step]] = {}
    heads: list[Step] = []
    for step in steps:
        parent = (step.trace_id, step.parent_id or "")
        if step.kind == "consumer" or parent not in known or parent == (step.trace_id, step.span_id):
            heads.append(step)
        else:
            children.setdefault(parent, []).append(step)
    return [Chapter(_lines(head, children, fold=fold)) for head in heads]


def _lines(head: Step, children: dict[tuple[str, str], list[Step]], *, fold: bool) -> list[Line]:
    lines: list[Line] = []
    stack: list[Line] = [Line(0, head)]
    while stack:
        line = stack.pop()
        below = children.get((line.step.trace_id, line.step.span_id), [])
        if fold and _same_call(line.step, below):
            stack.append(Line(line.depth, below[0], caller=line.step))
            continue
        lines.append(line)
        stack += [Line(line.depth + 1, step) for step in reversed(below)]
    return lines


def _same_call(client: Step, below: Sequence[Step]) -> bool:
    """A client span whose one effect is the server span that answered, and both agree on how it went."""
    return (
        client.kind == "client"
        and len(below) == 1
        and below[0].kind == "server"
        and (client.status == "error") == (below[0].status == "error")
    )
