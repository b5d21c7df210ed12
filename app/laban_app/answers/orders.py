"""Finds the newest or the worst orders: reads many stories together, and keeps one line of each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from laban_app.answers.closure import Window, story_window
from laban_app.answers.cut import MAX_FOUND, first_and_newest
from laban_app.answers.loaded import Asked, LoadedSpans, TooManySpans
from laban_app.answers.usual import UsualProfiles
from laban_app.errors import NotInRange, UnknownValue
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import MINUTE, Span, TraceRef, ValueRef
from laban_mapper.model import Orders, OrderSummary, Story
from laban_mapper.orders import MOST, OrderFilter, OrdersQuestion, badness, summary_of
from laban_mapper.profiles.usual import Entry, Usual
from laban_mapper.times import utc_time

_BATCH: Final = 100
"""The most orders whose spans are read together."""
_MAX_SPANS: Final = 20_000
"""The most spans that are read together."""

Tell = Callable[[SpanReader, str, str], Story]
"""Tells the story of a business key and its value from what a reader has."""


class SharedProfiles(UsualProfiles):
    """Profiles for a list: orders with the same entry in the same minutes are compared with the same traces.

    To put a profile together costs more than all the rest of a story. The minutes around the first order
    are left out, and so are the others; only where too few examples remain may an order be one of them.

    Args:
        profiles: of the store.
    """

    def __init__(self, profiles: UsualProfiles) -> None:
        self._profiles = profiles
        self._shared: dict[tuple[int, int, int], Usual | None] = {}

    def of_entry(self, same: Sequence[Entry], spans: Sequence[Span]) -> Usual | None:
        """The profile of one entry; the roots of a list in the same minutes share it."""
        begin, end = min(one.begin for one in same), max(one.end for one in same)
        minutes = (same[0].entry, begin // MINUTE, end // MINUTE)
        if minutes not in self._shared:
            self._shared[minutes] = self._profiles.of_entry(same, spans)
        return self._shared[minutes]


class OrdersFinder:
    """Finds orders.

    Args:
        reader: of the store.
        tell: tells one story.
    """

    def __init__(self, reader: SpanReader, tell: Tell) -> None:
        self._reader = reader
        self._tell = tell
        self._memory: dict[object, Any] = {}

    def find(self, asked: OrdersQuestion, window: Window) -> Orders:
        """Find the orders with a span in a window that a question asks for."""
        enough = asked.limit if asked.sort == "newest" else MOST
        most = MOST if asked.only else min(enough, MOST)
        values = self._reader.newest_values(asked.key, *window, most + 1)
        found: list[OrderSummary] = []
        looked_at = 0
        while looked_at < min(len(values), most) and len(found) < enough:
            batch = values[looked_at:most][: min(_BATCH, enough)]
            found += self._summaries(asked, batch)
            looked_at += len(batch)
        if asked.sort == "worst":
            found.sort(key=badness, reverse=True)
        truncated = len(found) > asked.limit or looked_at < len(values)
        return Orders(orders=found[: asked.limit], truncated=truncated, looked_at=looked_at)

    def _summaries(self, asked: OrdersQuestion, values: Sequence[ValueRef]) -> Iterator[OrderSummary]:
        last_seen = {(ref.key, ref.value): ref.last for ref in values}
        with self._reader.at_one_moment():
            known = self._reader.traces_of_values(asked.key, [ref.value for ref in values], MAX_FOUND)
        for story in self._stories({one: known[one] for one in last_seen if one in known}, asked.only):
            if asked.only.fits(story):
                seen = utc_time(last_seen[story.key, story.value])
                yield summary_of(story).model_copy(update={"last_seen": seen})

    def _stories(self, traces: Mapping[Asked, Sequence[TraceRef]], only: OrderFilter) -> Iterator[Story]:
        """Tell the stories that may be shown.

        If they have too many spans together, reads one half after the other; one order is read like a story.
        """
        loaded = LoadedSpans(self._reader, traces, self._memory)
        try:
            with self._reader.at_one_moment():
                told = [ref for refs in traces.values() for ref in first_and_newest(refs)]
                loaded.load(story_window(told), _MAX_SPANS)
        except TooManySpans:
            if len(traces) > 1:
                orders = list(traces.items())
                for half in (orders[: len(orders) // 2], orders[len(orders) // 2 :]):
                    yield from self._stories(dict(half), only)
                return
            source = self._reader
        else:
            source = cast("SpanReader", loaded)
        for key, value in traces:
            if source is not self._reader and not only.may_fit(loaded.reached((key, value))):
                continue
            try:
                yield self._tell(source, key, value)
            except (UnknownValue, NotInRange):
                continue  # the retention has deleted its spans, and not yet the row that names it
