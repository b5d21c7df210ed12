"""The answers about choreography and drift, as values; see `model.py`."""

from datetime import datetime
from typing import Literal

from pydantic import AliasChoices, Field

from laban_mapper.model import Answer, EdgeKind


class SeenName(Answer):
    """Something that was seen: how often, and a trace that shows it."""

    name: str
    calls: int = 0
    traces: list[str] = Field(default_factory=list[str])


class SeenCall(Answer):
    """Calls from one node to another. `operations` is empty if the callee's spans do not tell them.

    Attributes:
        source: a service by its name (`namespace/name` if it has one), other nodes by their ID.
        target: likewise.
        kind: `async` for messages whose topic is unknown.
    """

    source: str = Field(serialization_alias="from", validation_alias=AliasChoices("from", "source"))
    target: str = Field(serialization_alias="to", validation_alias=AliasChoices("to", "target"))
    kind: EdgeKind
    protocol: str
    calls: int = 0
    operations: list[SeenName] = Field(default_factory=list[SeenName])
    traces: list[str] = Field(default_factory=list[str])


class SeenGroup(Answer):
    """A consumer group of a topic; None for consumers without a group.

    A group without services is known only by its committed offsets.
    """

    group: str | None
    services: list[SeenName] = Field(default_factory=list[SeenName])
    calls: int = 0
    traces: list[str] = Field(default_factory=list[str])


class SeenEvent(Answer):
    """A type of events of a topic, and one of its versions; None for what messages do not tell."""

    type: str | None
    version: str | None
    calls: int = 0
    traces: list[str] = Field(default_factory=list[str])


class SeenTopic(Answer):
    """A topic: who publishes to it, who consumes it, and what its messages are."""

    name: str
    protocols: list[str] = Field(default_factory=list[str])
    publishers: list[SeenName] = Field(default_factory=list[SeenName])
    groups: list[SeenGroup] = Field(default_factory=list[SeenGroup])
    events: list[SeenEvent] = Field(default_factory=list[SeenEvent])


class Choreography(Answer):
    """The answer to "What ran?": sorted, names without IDs; what `laban choreography` writes as a file.

    Attributes:
        format: the version of the file format.
        truncated: whether there were more names than are told apart, so that the rest is missing.
    """

    format: int = 1
    since: datetime
    until: datetime
    services: list[SeenName]
    calls: list[SeenCall]
    topics: list[SeenTopic]
    truncated: bool = False


class DriftItem(Answer):
    """One difference between a file and what ran.

    Attributes:
        code: of the kind, stable: `D111`.
        kind: stable: `new-call`.
        place: what it is about: `order → inventory`, `topic orders, group email`.
        sentence: what is different, with its numbers.
        traces: that prove it. What is gone has the newest trace of the one that did not do it.
        line: of the file.
        accepted: the option that allows it; None if it counts.
    """

    code: str
    kind: str
    severity: Literal["info", "error"]
    place: str
    sentence: str
    numbers: dict[str, float | str] = Field(default_factory=dict[str, float | str])
    traces: list[str] = Field(default_factory=list[str])
    line: int | None = None
    accepted: str | None = None


class DriftCheck(Answer):
    """The answer to "Does what runs match the file?"."""

    file: str
    document: Literal["choreography", "asyncapi", "openapi"]
    since: datetime
    until: datetime
    drifted: bool
    verdict: str
    items: list[DriftItem]
    notes: list[str] = Field(default_factory=list[str])
