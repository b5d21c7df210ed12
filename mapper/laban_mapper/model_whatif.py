"""The shape of the answer to a what-if question.

As in `model.py`: fields may be added, but not renamed. Times are milliseconds; shares are of 100 requests.
"""

from datetime import datetime

from pydantic import Field

from laban_mapper.model import Answer, LookedAt


class WhatIfOutcome(Answer):
    """What becomes of the requests of an entry operation.

    Attributes:
        failed: how many of 100 requests fail; None without traces.
        unfinished: how many of 100 requests lead, by a message, to something that fails, or that waits for a
            service that is down; None if no message leads to anything.
        p50_ms: the median time until the reply, of failed requests, too; None if unknown.
        p95_ms: the 95th percentile; None for fewer than 20 traces.
    """

    failed: float | None
    unfinished: float | None = None
    p50_ms: float | None
    p95_ms: float | None


class WhatIfRange(Answer):
    """Between which values the outcome lies: by how much traces differ, and what is not known.

    Attributes:
        failed, unfinished, p50_ms, p95_ms: the least and the most; None if unknown.
    """

    failed: tuple[float, float] | None = None
    unfinished: tuple[float, float] | None = None
    p50_ms: tuple[float, float] | None = None
    p95_ms: tuple[float, float] | None = None


class LateStep(Answer):
    """What a service does for a request, and ends later, or never.

    Attributes:
        by_message: whether a message leads to it.
        before_ms: when it ends after the begin of the request, the median; None if it never happens.
        after_ms: the same with the changes.
        before_of_100: in how many of 100 requests it happens.
        after_of_100: the same with the changes.
    """

    service: str
    operation: str
    by_message: bool = False
    before_ms: float | None
    after_ms: float | None
    before_of_100: float
    after_of_100: float


class WhatIfEntry(Answer):
    """An entry operation.

    Attributes:
        entry: service and operation.
        affected: whether the changes make any difference to it.
        seen: its traces in the time range.
        traces: those that were replayed.
        left_out: traces that were read and not replayed, by the reason.
        range: of the outcome after the changes.
        late: the steps that end later or never, the latest first; at most 20.
        late_more: how many more there are.
    """

    entry: str
    service: str
    operation: str
    affected: bool
    seen: int
    traces: int
    left_out: dict[str, int] = Field(default_factory=dict[str, int])
    before: WhatIfOutcome
    after: WhatIfOutcome
    range: WhatIfRange
    late: list[LateStep] = Field(default_factory=list[LateStep])
    late_more: int = 0


class WhatIf(Answer):
    """The answer to "What would happen if?".

    Attributes:
        changes: what is changed, in words.
        entries: the entry operations, those that are affected first.
        assumptions: what the answer rests on, in words.
        looked_at: the traces that were read.
    """

    changes: list[str]
    entries: list[WhatIfEntry]
    assumptions: list[str]
    looked_at: LookedAt
    since: datetime | None = None
    until: datetime | None = None
