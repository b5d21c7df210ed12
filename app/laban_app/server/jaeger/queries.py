"""The questions of Jaeger's clients, asked of laban's store."""

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from laban.business_keys.keys import bounded
from laban_app.answers.cut import MAX_FOUND
from laban_app.answers.protocol import TraceAnswers
from laban_app.server.jaeger.dependencies import Dependency, dependencies
from laban_app.server.jaeger.parameters import BadParameter, Question
from laban_app.server.jaeger.summaries import Summary, summaries_of
from laban_app.server.jaeger.whole_traces import FoundSpans, WholeTraces
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import ALL_STARTS, TraceRef, plausible_starts
from laban_collector.store.searches import NamedOperation, SpanSearch, Tag
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import storable, utc_time

RECENT: Final = 48 * 3600 * NS_PER_S
"""ns: the newest data that are searched without a time range, and whose operations are listed; Jaeger's."""
MOST_TRACES: Final = 1_500
"""As in the Jaeger UI."""
MOST_OUTLINES: Final = 500_000
"""The most spans that summaries rest on."""
MOST_NAMES: Final = 5_000
"""The most services, and the most operations of a service."""


class FoundRefs(NamedTuple):
    """The traces that a search found, newest first, and what it left out, in words."""

    refs: list[TraceRef]
    notes: list[str]


class JaegerQueries:
    """Answers the questions of Jaeger's query API.

    Args:
        answers: of the collector.
        reader: of its store.
        settle: waits until all acknowledged spans are in the store.
        keys: finds the business keys, by the rules of the collector.
        clock: ns since the epoch.

    Attributes:
        whole: reads traces by their IDs.
    """

    def __init__(
        self,
        answers: TraceAnswers,
        reader: SpanReader,
        settle: Callable[[], None],
        keys: KeyFinder,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._answers = answers
        self.whole = WholeTraces(answers, reader)
        self._reader = reader
        self._settle = settle
        self._keys = keys
        self._clock = clock

    def services(self) -> list[str]:
        """Return the names of all services, without namespaces."""
        self._settle()
        return self._reader.services(MOST_NAMES)

    def operations(self, service: str, kind: int | None = None) -> list[NamedOperation]:
        """Return the operations of a service in the newest data, by name; of one kind of span, or of all."""
        self._settle()
        with self._reader.at_one_moment():
            since, until = self._newest()
            found = self._reader.operations_of(service, since, until, MOST_NAMES)
        return sorted(one for one in found if kind is None or one.kind == kind)

    def traces(self, question: Question, *, raw: bool = False) -> FoundSpans:
        """Search for traces, and return them whole, newest first."""
        self._settle()
        with self._reader.at_one_moment():
            refs, notes = self._find(question)
            found = self.whole.known([ref.trace_id for ref in refs], raw=raw)
        return found._replace(notes=[*notes, *found.notes])

    def summaries(self, question: Question) -> tuple[list[Summary], list[str]]:
        """Search for traces, and return what they are in short, newest first, and what was left out."""
        self._settle()
        with self._reader.at_one_moment():
            refs, notes = self._find(question)
            ids = [ref.trace_id for ref in refs]
            outlines = self._reader.outlines_of(ids, MOST_OUTLINES) if ids else []
        if len(outlines) >= MOST_OUTLINES:
            notes.append(f"the summaries rest on {MOST_OUTLINES:,} spans: the traces have more")
        return summaries_of(ids, outlines), notes

    def dependencies(self, end: int | None, lookback: int) -> tuple[list[Dependency], list[str]]:
        """Return which service called which, and what was left out.

        Args:
            end: of the time range, ns; None: now.
            lookback: its length, ns.
        """
        until = self._clock() if end is None else end
        if lookback <= 0:
            raise BadParameter("unable to parse param 'lookback': it is positive")
        since = storable(until - lookback)
        if since >= until:
            return [], []
        found = self._answers.service_map(utc_time(since), utc_time(until))
        return dependencies(found), ["the map has more edges"] if found.truncated else []

    def _find(self, question: Question) -> FoundRefs:
        """Find traces: by business keys in their own table, by everything else among the spans."""
        limit = min(question.limit, MOST_TRACES)
        named = [tag for tag in question.tags if self._business_keys(tag)]
        others = tuple(tag for tag in question.tags if tag not in named)
        since, until = self._window(question, ever=bool(named))
        search = SpanSearch(
            since, until, question.service, question.operation, question.shortest, question.longest, others
        )
        plain = SpanSearch(since, until)
        if not named:
            found = self._reader.search(search, limit)
        else:
            known = self._named(named, since, until)
            if search == plain:
                return FoundRefs(known[:limit], [])
            found = self._reader.search(search, limit, [ref.trace_id for ref in known])
        if found.searched_since is None:
            return FoundRefs(found.traces, [])
        return FoundRefs(
            found.traces, [f"only spans since {utc_time(found.searched_since):%F %T} UTC were searched"]
        )

    def _named(self, tags: Sequence[Tag], since: int, until: int) -> list[TraceRef]:
        """Return the traces that have all these business keys, newest first."""
        by_tag: list[dict[str, TraceRef]] = []
        for tag in tags:
            refs: dict[str, TraceRef] = {}
            for key in self._business_keys(tag):
                found = self._reader.traces_with(key, str(tag.value), MAX_FOUND)
                refs |= {ref.trace_id: ref for ref in found if ref.first < until and ref.last >= since}
            by_tag.append(refs)
        first, *rest = by_tag
        both = [ref for ref in first.values() if all(ref.trace_id in refs for refs in rest)]
        return sorted(both, key=lambda ref: ref.last, reverse=True)

    def _business_keys(self, tag: Tag) -> list[str]:
        """Return the business keys that a tag names; none if its value cannot be one."""
        usable = not isinstance(tag.value, bool | float) and bounded(str(tag.value)) is not None
        return self._keys.attribute_keys(tag.key) if usable else []

    def _window(self, question: Question, *, ever: bool) -> tuple[int, int]:
        """Return the time range of a search; without one, all data if they need no scan, else the newest."""
        if question.since is not None and question.until is not None:
            return question.since, question.until
        if ever:
            since, until = ALL_STARTS
        else:
            since, until = self._newest()
        if question.until is not None:
            since = ALL_STARTS[0] if ever else storable(question.until - RECENT)
        if question.since is not None:
            since = question.since
        return since, until if question.until is None else question.until

    def _newest(self) -> tuple[int, int]:
        """Return the time range of the newest data."""
        now = self._clock()
        extent = self._reader.extent(*plausible_starts(now)) or self._reader.extent(*ALL_STARTS)
        until = now if extent is None else extent[1] + 1
        return storable(until - RECENT), until
