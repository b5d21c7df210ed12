"""What the services of one order said to each other, as a sequence of the map's edges."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from laban_mapper.model import Step, Story
from laban_mapper.names import shortened
from laban_mapper.printable import printable

CLIENTS: Final = "entry:clients"
_MOST: Final = 60
_WIDTH: Final = 60


class Interaction(NamedTuple):
    """A call or a message of an order.

    Attributes:
        source: node ID.
        target: node ID.
        text: what was called, or the group that got the message.
        asynchronous: whether it is a message.
    """

    source: str
    target: str
    text: str
    asynchronous: bool


class Sequence(NamedTuple):
    """The interactions of an order in time.

    Attributes:
        interactions: the first ones.
        left_out: how many more there are.
    """

    interactions: list[Interaction]
    left_out: int


def interactions(story: Story) -> Sequence:
    """The calls between services, and the messages, by start; equal ones that follow each other are one."""
    steps = sorted(story.steps, key=lambda step: (step.start_ms or 0.0, step.depth))
    found: list[Interaction] = []
    for step in steps:
        found += [one for one in _of(step, story) if not found or found[-1] != one]
    return Sequence(found[:_MOST], max(len(found) - _MOST, 0))


def _of(step: Step, story: Story) -> Iterator[Interaction]:
    own = service_id(step)
    operation = shortened(printable(step.operation), _WIDTH)
    if step.by_message and step.topic is not None:
        group = "" if step.group is None else f"group {shortened(printable(step.group), _WIDTH)}"
        yield Interaction(f"topic:{step.topic}", own, group or operation, asynchronous=True)
    elif step.kind == "producer" and step.topic is not None:
        yield Interaction(own, f"topic:{step.topic}", operation, asynchronous=True)
    elif step.cause is None:
        if step.kind == "server":
            yield Interaction(CLIENTS, own, operation, asynchronous=False)
    else:
        caller = service_id(story.steps[step.cause])
        if caller != own and not step.by_message:
            yield Interaction(caller, own, operation, asynchronous=False)


def service_id(step: Step) -> str:
    """The node ID of the service of a step."""
    name = step.service.removeprefix(f"{step.namespace}/") if step.namespace else step.service
    return f"service:{step.namespace}/{name}" if step.namespace else f"service:{name}"
