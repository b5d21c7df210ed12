"""The limits that the rules compare with, each of which `laban.toml` can change."""

from pydantic import BaseModel, ConfigDict, Field


class Thresholds(BaseModel):
    """The table `[findings]` of `laban.toml`: a limit of one rule each.

    A rule needs at least `fewest` examples before it says anything about what is usual.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fewest: int = Field(default=20, ge=1, description="Examples without which a rule claims nothing.")
    sync_depth: int = Field(
        default=2, ge=1, description="Synchronous calls below one another that are still usual."
    )


class Objectives(BaseModel):
    """The table `[objectives]` of `laban.toml`: what was promised.

    Attributes:
        latency: by entry operation (`order POST /orders`), the 95th percentile in ms.
        queue: by consumer group, the longest time that a message may wait, in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency: dict[str, float] = {}
    queue: dict[str, float] = {}


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
