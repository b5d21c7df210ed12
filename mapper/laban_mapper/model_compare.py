"""The answer about two systems or two times side by side, as values; see `model.py`."""

from datetime import datetime

from pydantic import AliasChoices, Field

from laban_mapper.model import Answer, EdgeKind
from laban_mapper.model_drift import DriftItem


class SystemSide(Answer):
    """One side as a whole.

    Attributes:
        name: how it was asked for.
        requests: from outside.
        failed: of the requests.
        p50_ms: of the requests; None if there are several entries, whose percentiles do not add up.
        calls_per_request: synchronous calls between services for each request.
        messages_per_request: published messages for each request.
        waited_for: services that a request waits for, at most, with the one that is asked.
        longest_chain: the most synchronous calls below one another, with the request itself.
        score: as a distributed monolith, from 0 to 1; None if it is unknown.
        findings: errors and warnings that `laban.toml` does not ignore.
    """

    name: str
    since: datetime
    until: datetime
    services: int
    topics: int
    groups: int
    sync_edges: int
    async_edges: int
    requests: int
    failed: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    calls_per_request: float | None = None
    messages_per_request: float | None = None
    waited_for: int = 0
    longest_chain: int = 0
    score: float | None = None
    findings: int = 0


class EdgeSide(Answer):
    """One edge on one side.

    Attributes:
        per_request: calls for each request from outside.
    """

    calls: int
    errors: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    per_request: float | None = None


class ComparedEdge(Answer):
    """An edge on both sides; None where it is not. The edges from outside are the entries."""

    source: str = Field(serialization_alias="from", validation_alias=AliasChoices("from", "source"))
    target: str = Field(serialization_alias="to", validation_alias=AliasChoices("to", "target"))
    kind: EdgeKind
    protocol: str
    before: EdgeSide | None = None
    after: EdgeSide | None = None


class LagSide(Answer):
    """The lag of a group on one side: the most messages, and the longest time in seconds."""

    messages: int | None = None
    seconds: float | None = None


class ComparedGroup(Answer):
    """The lag of a consumer group on both sides; None where no poll knows it."""

    group: str
    before: LagSide | None = None
    after: LagSide | None = None


class Comparison(Answer):
    """The answer to "What has changed?": before and after, side by side.

    Attributes:
        brought: what the change brought, in sentences, the most important first.
        changes: how the choreography has changed.
        new_findings: errors and warnings that only the later side has, with code, name and place.
        gone_findings: those that only the earlier side has.
        truncated: whether edges are missing, because there are too many.
    """

    before: SystemSide
    after: SystemSide
    brought: list[str]
    changes: list[DriftItem] = Field(default_factory=list[DriftItem])
    edges: list[ComparedEdge]
    groups: list[ComparedGroup] = Field(default_factory=list[ComparedGroup])
    new_findings: list[str] = Field(default_factory=list[str])
    gone_findings: list[str] = Field(default_factory=list[str])
    notes: list[str] = Field(default_factory=list[str])
    truncated: bool = False
