"""Counts orders by what became of them: each once, some time after its newest span."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from laban_app.answers.protocol import Answers
from laban_app.server.metrics.text import Family, Form
from laban_collector.store.base import SpanReader
from laban_collector.store.kept_state import KeptState
from laban_mapper.orders import OrdersQuestion
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import utc_time

SETTLE_S: Final = 60
"""Seconds since the newest span that names an order, after which it is counted."""
_TOLD: Final = 100
"""Orders whose stories are told in one round; more than these are counted without an outcome."""
_LISTED: Final = 10_000
"""Orders that are counted in one round."""
_REMEMBERED: Final = 20_000
"""Counted orders that are remembered, in case that later spans name them."""
_KEPT: Final = 2_000
"""Those of them that are remembered over a restart."""
_ENTRIES: Final = 100
"""Entry operations that are told apart."""
_OTHER: Final = "other"
_UNKNOWN: Final = "unknown"
_FAMILY: Final = Family(
    "laban_orders",
    "counter",
    "Orders by outcome and entry operation, a minute after their newest span; unknown: too many to look at.",
)


class _Group(NamedTuple):
    outcome: str
    entry: str


class OrdersTally:
    """The counters of orders. Only one thread may count; anyone may render.

    Args:
        answers: tells what became of orders.
        reader: of the same store.
        kept: where the counters are kept.
        clock: ns since the epoch.
    """

    def __init__(
        self, answers: Answers, reader: SpanReader, kept: KeptState, clock: Callable[[], int]
    ) -> None:
        self._answers = answers
        self._reader = reader
        self._kept = kept
        state = kept.read()
        self._next: int = state.get("next", clock() - SETTLE_S * NS_PER_S)
        self._counted: OrderedDict[str, None] = OrderedDict.fromkeys(state.get("counted", []))
        self._clock = clock
        self._counts = Counter({_Group(*one[:2]): one[2] for one in state.get("counts", [])})

    def count(self) -> None:
        """Count the orders that have become old enough since the last time.

        Raises:
            StoreError: the store did not answer; they are counted next time.
            OSError: the counters cannot be kept.
        """
        until = self._clock() - SETTLE_S * NS_PER_S
        if until <= self._next:
            return
        window = self._next, until
        listed = self._reader.newest_values("order", *window, _LISTED)
        # One that ends later is listed again.
        names = {f"{ref.key}={ref.value}" for ref in listed if ref.last < until} - self._counted.keys()
        if names:
            self._add(names, window)
            self._counted.update(dict.fromkeys(names))
        while len(self._counted) > _REMEMBERED:
            self._counted.popitem(last=False)
        self._next = until
        if names:
            self._kept.write(self._state())

    def _add(self, new: set[str], window: tuple[int, int]) -> None:
        told = self._answers.orders(OrdersQuestion(limit=_TOLD), *map(utc_time, window)).orders
        found: Counter[_Group] = Counter()
        for order in told:
            if f"{order.key}={order.value}" in new:
                found[self._group(order.outcome, order.entry or _UNKNOWN)] += 1
        found[_Group(_UNKNOWN, _UNKNOWN)] += len(new) - found.total()
        self._counts = self._counts + found

    def _group(self, outcome: str, entry: str) -> _Group:
        entries = {group.entry for group in self._counts}
        return _Group(outcome, entry if entry in entries or len(entries) < _ENTRIES else _OTHER)

    def _state(self) -> dict[str, Any]:
        return {
            "next": self._next,
            "counted": list(self._counted)[-_KEPT:],
            "counts": [[*group, number] for group, number in self._counts.items()],
        }

    def render(self, form: Form) -> str:
        """The family of the counters."""
        counts = self._counts
        return _FAMILY.samples(form, [(group._asdict(), number) for group, number in sorted(counts.items())])
