"""The list of orders: one line for each story, which ones to show, and which are the worst."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from laban_collector.store.rows import Span
from laban_mapper.model import CauseKind, OrderCause, OrderSummary, Outcome, Story
from laban_mapper.spans import failed
from laban_mapper.story.messages import is_dead_letter

MOST: Final = 2_000
"""The most orders that one answer examines."""
Sort = Literal["newest", "worst"]

_BADNESS: Final[dict[Outcome, int]] = {
    "failed": 4,
    "waiting": 3,
    "incomplete": 2,
    "ok_with_errors": 1,
    "ok": 0,
}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders to show. An order has to fit all that is given, and one of `failed`, `slow` and `waiting`.

    Attributes:
        failed: orders that failed.
        slow: orders with a slow service or queue as a cause.
        waiting: orders with a message that a consumer group has not read.
        service: orders with a span of this service, or with a cause that blames it.
        cause: orders with a cause of this kind.
    """

    failed: bool = False
    slow: bool = False
    waiting: bool = False
    service: str | None = None
    cause: CauseKind | None = None

    def __bool__(self) -> bool:
        """Whether any order may be left out."""
        return self != ALL

    def may_fit(self, spans: Iterable[Span]) -> bool:
        """Whether an order with these spans may fit; costs less than its story."""
        if not self.failed or self.slow or self.waiting:
            return True
        return any(failed(span) or (span.topic is not None and is_dead_letter(span.topic)) for span in spans)

    def fits(self, story: Story) -> bool:
        """Whether to show an order."""
        kinds = {cause.kind for cause in story.causes}
        states = [
            (self.failed, story.outcome == "failed"),
            (self.slow, "slow" in kinds),
            (self.waiting, story.outcome == "waiting"),
        ]
        asked = [found for wanted, found in states if wanted]
        return (
            (any(asked) or not asked)
            and (self.cause is None or self.cause in kinds)
            and (self.service is None or self.service in _involved(story))
        )


ALL: Final = OrderFilter()
"""Leaves no order out."""


class OrdersQuestion(NamedTuple):
    """Which orders to list.

    Attributes:
        key: the business key, or its first part.
        only: which orders to show.
        limit: the most orders to show.
        sort: the newest of them, or the worst of the newest `MOST`.
    """

    key: str = "order"
    only: OrderFilter = ALL
    limit: int = 50
    sort: Sort = "newest"


def summary_of(story: Story) -> OrderSummary:
    """One line for an order."""
    return OrderSummary(
        key=story.key,
        value=story.value,
        outcome=story.outcome,
        started=story.started,
        duration_ms=story.duration_ms,
        cause=_first_cause(story),
        services=services_of(story),
        traces=story.traces,
        entry=f"{story.steps[0].service} {story.steps[0].operation}" if story.steps else None,
        usual_ms=story.usual_ms,
        usual_examples=story.usual_examples,
    )


def services_of(story: Story) -> list[str]:
    """The services with a span in a story, in the order of their first spans."""
    return list(dict.fromkeys(step.service for step in story.steps))


def badness(order: OrderSummary) -> tuple[int, bool, float]:
    """How badly an order went, the worst last: by its outcome, then with a cause, then by duration.

    The last span of an order that waits does not tell how long it waits, but its start does.
    """
    long = -order.started.timestamp() if order.outcome == "waiting" else order.duration_ms
    return (_BADNESS[order.outcome], order.cause is not None, long)


def _first_cause(story: Story) -> OrderCause | None:
    for cause in story.causes:
        if cause.rank == 1:
            return OrderCause(service=cause.service, kind=cause.kind, sentence=cause.sentence)
    return None


def _involved(story: Story) -> set[str]:
    return {*services_of(story), *(cause.service for cause in story.causes)}
