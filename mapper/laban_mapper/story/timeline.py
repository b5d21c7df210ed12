"""The steps of a story as lines to read: chapters, and what is folded into one line.

A line can stand for several steps: both sides of a call, equal steps side by side, and the small steps below
it. Errors are not folded away: equal errors share a line that shows the error and how many there are.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from laban_mapper.model import Step, Story

_EQUAL_FROM: Final = 5
"""From this number on, equal steps side by side share a line."""
_SMALL_FROM: Final = 3
"""From this number on, brief internal steps side by side are small steps, whatever their names are."""
_BRIEF: Final = 0.05
_MINOR: Final = 0.5
"""The largest share of its parent's time that a small step takes: any step, and one with a known name."""

_KNOWN_SMALL: Final = re.compile(
    r"(tcp|tls|dns|net|socket)[.: ]"  # Node's net and dns modules
    r"|(middleware|router|hook)\b"  # Express, Koa, Connect, Fastify
    r"|.*\b(http|websocket) (send|receive)$"  # ASGI
    r"|.*(pool|data ?source)\W*(connect|acquire|getconnection|get connection)"
    r"|[\w-]+\.connect$|connect$",
    re.IGNORECASE,
)
_KNOWN_COMMAND: Final = re.compile(
    r"((io)?redis[-. ])?(ping|hello|auth|llen|client [a-z]+|command|info)$|([\w-]+\.)?connect$", re.IGNORECASE
)
"""Commands by which clients keep a connection, or watch a queue."""


@dataclass(slots=True)
class Line:
    """A line of a chapter.

    Attributes:
        depth: levels of indentation.
        step: the step that the line shows.
        caller: the client span of the same call.
        equal: the steps of the line's kind, this one included; several if they share the line.
        below: the steps below the equal steps, if these share the line.
        small: the small steps below.
    """

    depth: int
    step: Step
    caller: Step | None = None
    equal: list[Step] = field(default_factory=list[Step])
    below: list[Step] = field(default_factory=list[Step])
    small: list[Step] = field(default_factory=list[Step])

    @property
    def stands_for(self) -> int:
        """How many steps the line stands for."""
        return max(1, len(self.equal)) + (self.caller is not None) + len(self.below) + len(self.small)


@dataclass(slots=True)
class Chapter:
    """The steps that follow from one request or one consumed message, up to the next message."""

    lines: list[Line]
    cause: Step | None = None

    @property
    def head(self) -> Step:
        """The first step."""
        return self.lines[0].step


def chapters(steps: Sequence[Step], *, fold: bool = True) -> list[Chapter]:
    """The chapters of a story by start time, each with its calls depth first.

    Args:
        steps: all steps of the story.
        fold: whether a line may stand for several steps. Both sides of a call share a line only if they have
            the same outcome; a call with different outcomes (a timeout) keeps both.
    """
    tree = _Tree(steps)
    heads = list(_equal_runs(tree.heads, tree)) if fold else [[head] for head in tree.heads]
    found = []
    for run in heads:
        cause = steps[run[0]].cause
        lines = _lines(run, tree) if fold else _every_step(run[0], tree)
        found.append(Chapter(lines, None if cause is None else steps[cause]))
    return found


def since_start(story: Story, step: Step) -> float:
    """Milliseconds from the start of a story to the start of one of its steps."""
    if step.start_ms is not None:
        return step.start_ms
    return max(0.0, (step.time - story.started).total_seconds() * 1000)


class _Tree:
    """The steps of each chapter as a tree, by index."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.heads: list[int] = []
        self.children: list[list[int]] = [[] for _ in steps]
        for index, step in enumerate(steps):
            if step.cause is None or step.by_message:
                self.heads.append(index)
            else:
                self.children[step.cause].append(index)
        self.shape = [0] * len(steps)
        self.quiet = [False] * len(steps)
        self.flawed = [False] * len(steps)
        self._shapes: dict[object, int] = {}
        # An effect comes after its cause, so from the end, what is below a step is known.
        for index in range(len(steps) - 1, -1, -1):
            self._describe(index)

    def answer(self, index: int) -> int | None:
        """The server side of a call, if it is the only step below the client side and has the same outcome.

        The halves of a shared span keep their lines: they have one ID, and are looked up by it.
        """
        below = self.children[index]
        if len(below) != 1 or self.steps[index].kind != "client":
            return None
        client, server = self.steps[index], self.steps[below[0]]
        same_outcome = (client.status == "error") == (server.status == "error")
        is_answer = server.kind == "server" and client.span_id != server.span_id
        return below[0] if is_answer and same_outcome else None

    def below(self, index: int) -> Iterator[int]:
        """All steps below one in its chapter."""
        stack = list(self.children[index])
        while stack:
            effect = stack.pop()
            yield effect
            stack += self.children[effect]

    def _describe(self, index: int) -> None:
        """Note the shape of what a step and the steps below it do, and whether something failed below it."""
        step, below = self.steps[index], self.children[index]
        answered = self.answer(index)
        self.flawed[index] = any(
            self.flawed[child] or (self.steps[child].error is not None and child != answered)
            for child in below
        )
        shape = (
            step.service,
            step.operation,
            step.kind,
            step.group,
            step.error,
            frozenset(self.shape[child] for child in below),
        )
        self.shape[index] = self._shapes.setdefault(shape, len(self._shapes))
        self.quiet[index] = (
            step.kind in {"internal", "unspecified"}
            and step.error is None
            and not step.notes
            and all(self.quiet[child] for child in below)
        )


def _every_step(head: int, tree: _Tree) -> list[Line]:
    lines = []
    stack = [(head, 0)]
    while stack:
        index, depth = stack.pop()
        lines.append(Line(depth, tree.steps[index]))
        stack += [(child, depth + 1) for child in reversed(tree.children[index])]
    return lines


def _lines(run: list[int], tree: _Tree) -> list[Line]:
    lines = []
    stack = [(run, 0)]
    while stack:
        run, depth = stack.pop()
        line, onward = _line(run, depth, tree)
        lines.append(line)
        stack += [(below, depth + 1) for below in reversed(onward)]
    return lines


def _line(run: list[int], depth: int, tree: _Tree) -> tuple[Line, list[list[int]]]:
    """The line of some equal steps, and the runs of steps that need lines of their own below it."""
    steps = tree.steps
    if len(run) > 1:
        shown = [tree.answer(index) or index for index in run]
        hidden = [step for index in run for step in (index, *tree.below(index))]
        below = set(hidden) - set(shown)
        line = Line(depth, steps[shown[0]], equal=[steps[index] for index in shown])
        line.below = [steps[index] for index in sorted(below)]
        return line, []
    [index] = run
    answer = tree.answer(index)
    line = Line(depth, steps[index]) if answer is None else Line(depth, steps[answer], caller=steps[index])
    shown_index = index if answer is None else answer
    small = _small(tree.children[shown_index], steps[shown_index], tree)
    line.small = [steps[step] for top in sorted(small) for step in (top, *tree.below(top))]
    others = [child for child in tree.children[shown_index] if child not in small]
    return line, list(_equal_runs(others, tree))


def _equal_runs(indexes: Iterable[int], tree: _Tree) -> Iterator[list[int]]:
    """Group equal steps, if there are many and nothing failed below them."""
    groups: dict[object, list[int]] = {}
    for index in indexes:
        groups.setdefault(index if tree.flawed[index] else (tree.shape[index],), []).append(index)
    runs = [
        part
        for group in groups.values()
        for part in ([group] if len(group) >= _EQUAL_FROM else [[index] for index in group])
    ]
    yield from sorted(runs)


def _small(indexes: Sequence[int], parent: Step, tree: _Tree) -> set[int]:
    """The small steps among the steps below one: of frameworks and drivers, and brief internal ones."""
    steps = tree.steps
    known = {index for index in indexes if _is_known_small(index, parent, tree)}
    brief = {
        index
        for index in indexes
        if tree.quiet[index] and steps[index].duration_ms <= _BRIEF * parent.duration_ms
    }
    return known | (brief if len(brief) >= _SMALL_FROM else set())


def _is_known_small(index: int, parent: Step, tree: _Tree) -> bool:
    step = tree.steps[index]
    if step.duration_ms > _MINOR * parent.duration_ms or step.notes:
        return False
    if step.chatter:
        return step.error is None and not tree.flawed[index]
    if tree.quiet[index]:
        return _KNOWN_SMALL.match(step.operation) is not None
    is_leaf = not tree.children[index] and step.error is None
    return is_leaf and step.kind == "client" and _KNOWN_COMMAND.match(step.operation) is not None
