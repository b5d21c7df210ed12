"""The limits that the rules compare with, each of which `laban.toml` can change."""

from pydantic import BaseModel, ConfigDict, Field


class Thresholds(BaseModel):
    """The table `[findings]` of `laban.toml`: a limit of one rule each.

    A rule needs at least `fewest` examples before it says anything about what is usual.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fewest: int = Field(default=20, ge=1, description="Examples without which a rule claims nothing.")
    partition_skew: float = Field(
        default=2.0, gt=1, description="Fair shares of the messages that one partition may get."
    )
    sync_depth: int = Field(
        default=2, ge=1, description="Synchronous calls below one another that are still usual."
    )
    monolith_score: float = Field(
        default=0.5, gt=0, le=1, description="Score from which on an entry is a distributed monolith."
    )
    consumer_wait_share: float = Field(
        default=0.5, gt=0, le=1, description="Share of its time that a consumer may wait for calls."
    )
    consumer_wait_ms: float = Field(
        default=50, gt=0, description="Milliseconds (p95) that a consumer may wait for a call."
    )
    chatty_calls: int = Field(default=10, ge=2, description="Times that one request may make the same call.")
    chatty_share: float = Field(
        default=0.05, ge=0, le=1, description="Share of the requests that may make more calls."
    )
    spof_share: float = Field(
        default=0.5, gt=0, le=1, description="Share of all requests that may depend on one service."
    )
    cascade_services: int = Field(
        default=2, ge=1, description="Services that fail because another one failed."
    )
    retry_factor: float = Field(
        default=1.5, gt=1, description="Attempts at a call, on average, where one was meant."
    )
    retry_attempts: int = Field(default=6, ge=2, description="Attempts at a call for one request.")
    retry_share: float = Field(
        default=0.05, ge=0, le=1, description="Share of the calls that may be retried."
    )
    circuit_failures: int = Field(
        default=10, ge=2, description="Failed calls one after the other that need a circuit breaker."
    )
    circuit_seconds: float = Field(default=60, gt=0, description="Seconds of such failures.")


class Objectives(BaseModel):
    """The table `[objectives]` of `laban.toml`: what was promised.

    Attributes:
        latency: by entry operation (`order POST /orders`), the 95th percentile in ms.
        queue: by consumer group, the longest time that a message may wait, in seconds.
        errors: by operation, the largest share of requests that may fail, from 0 to 1; alerts read it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency: dict[str, float] = {}
    queue: dict[str, float] = {}
    errors: dict[str, float] = {}


class Ignore(BaseModel):
    """An entry `[[findings.ignore]]` of `laban.toml`: findings that do not count, and why.

    Attributes:
        code: of a rule, or its name.
        place: where; `*` stands for any text.
        reason: why; it is kept with the finding.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(min_length=1)
    place: str = Field(default="*", min_length=1)
    reason: str = Field(min_length=1)


class FindingsSettings(BaseModel):
    """What `laban.toml` says about findings.

    Attributes:
        thresholds: the limits of the rules.
        ignore: findings that do not count.
        objectives: what was promised.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    thresholds: Thresholds = Thresholds()
    ignore: tuple[Ignore, ...] = ()
    objectives: Objectives = Objectives()
