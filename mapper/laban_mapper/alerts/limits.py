"""The limits of the conditions, each of which `[alerts]` in `laban.toml` can change."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from laban_mapper.model import LagStatus, Severity


class AlertLimits(BaseModel):
    """When a condition is true; the objectives are those of `[objectives]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: float = Field(
        default=300.0, ge=60, le=3600, description="Seconds in which calls and messages are counted."
    )
    lag_statuses: tuple[LagStatus, ...] = Field(
        default=("WARN", "REWIND"),
        description="Statuses of a group that alert, besides STALL and STOP.",
    )
    lag_messages: int = Field(
        default=10, ge=1, description="Waiting messages without which nothing is said about a group."
    )
    drain: float = Field(
        default=600.0, gt=0, description="Seconds until nothing waits any more, from which a group alerts."
    )
    dead_letters: int = Field(
        default=1, ge=1, description="Messages to a dead letter topic in the window that alert."
    )
    findings: Severity = Field(default="warning", description="The mildest new findings that alert.")
    fewest: int = Field(
        default=20, ge=1, description="Requests in the window without which nothing is said about objectives."
    )


DEFAULTS: Final = AlertLimits()
"""The limits if nothing is set."""
