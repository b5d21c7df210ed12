"""Answers from a store in this process: reads rows, and passes them to the mapper."""

import importlib.metadata
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Final, Literal

from laban_app.answers.affected import affected_by
from laban_app.answers.alert_settings import AlertSettings
from laban_app.answers.alerts import AlertsLook, alerts_now
from laban_app.answers.choreographies import observed_choreography
from laban_app.answers.closure import STORY, Groups, Window, closure, groups_of, story_window
from laban_app.answers.cut import MAX_FOUND, first_and_newest
from laban_app.answers.extent import extent_of
from laban_app.answers.keys import chosen, meaning_of, note_of
from laban_app.answers.lag_answers import lag_report, waiting_report
from laban_app.answers.latency_answers import latency_history, whole_minutes
from laban_app.answers.neighbours import neighbours_of
from laban_app.answers.orders import OrdersFinder, SharedProfiles
from laban_app.answers.peers import peers_of
from laban_app.answers.sample import sample
from laban_app.answers.usual import UsualProfiles
from laban_app.answers.what_if import what_if_of
from laban_app.errors import NotInRange, UnknownTrace, UnknownValue
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import (
    ALL_STARTS,
    MINUTE,
    Lag,
    QueueProgress,
    Span,
    TraceRef,
    WholeSpan,
    plausible_starts,
)
from laban_mapper import lag
from laban_mapper.data_warnings import data_warnings, odd_times
from laban_mapper.diagrams.entries import of_entry
from laban_mapper.errors import InvalidTimeRange
from laban_mapper.findings.facts import System
from laban_mapper.findings.find import find
from laban_mapper.findings.thresholds import FindingsSettings
from laban_mapper.model import (
    Findings,
    KnownValue,
    KnownValues,
    LagHistory,
    LagReport,
    LatencyHistory,
    Logs,
    Neighbours,
    Orders,
    ServiceMap,
    Status,
    Story,
)
from laban_mapper.model_alerts import Alerts
from laban_mapper.model_drift import Choreography
from laban_mapper.model_whatif import WhatIf
from laban_mapper.orders import OrdersQuestion
from laban_mapper.service_map import build_service_map
from laban_mapper.spans import NS_PER_S, is_publishing
from laban_mapper.story.builder import build_story
from laban_mapper.story.logs import MOST, logs_of
from laban_mapper.story.messages import Consumption
from laban_mapper.times import default_end, nanoseconds, storable, utc_time
from laban_mapper.trace import Trace, json_of, trace_of
from laban_mapper.trace_ids import parse_trace_id
from laban_mapper.whatif.changes import ChangeTexts

_NEAREST: Final = 5
_DEFAULT_WINDOW: Final = 3600 * NS_PER_S
_VALUES_WINDOW: Final = 24 * 3600 * NS_PER_S
_PROGRESS: Final = 3600 * NS_PER_S
"""How long before the newest poll the last commit of a group is looked for, in ns."""
_RATES: Final = 5 * MINUTE
"""The time over which the rate of a group is measured, in ns."""


class LocalAnswers:
    """Implements `Answers` over a `SpanReader`.

    Args:
        reader: of the store.
        clock: ns since the epoch.
        usual: the profiles of the store, if the caller keeps them.
        scoped: whether stories say how many others their cause affects, and what their steps usually take,
            which a list of many need not.
        judged_by: the limits of findings.
        alerting: when alerts fire.
    """

    def __init__(
        self,
        reader: SpanReader,
        clock: Callable[[], int] = time.time_ns,
        usual: UsualProfiles | None = None,
        *,
        scoped: bool = True,
        judged_by: FindingsSettings | None = None,
        alerting: AlertSettings | None = None,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._usual = usual or UsualProfiles(reader, clock)
        self._scoped = scoped
        self._judged_by = judged_by or FindingsSettings()
        self._alerting = alerting or AlertSettings()

    def story(
        self, key: str, value: str, since: datetime | None = None, until: datetime | None = None
    ) -> Story:
        """What happened to a business key value; raises UnknownValue or SeveralKeys with what is known."""
        _check_range(since, until)
        with self._reader.at_one_moment():
            meaning = meaning_of(self._reader, key, value, self._traces_following)
            if meaning.traces is not None:
                told = self._of(chosen(self._reader, meaning.traces))
                found = told.story(key, value, since, until)
            else:
                found = self._story(key, value, since, until)
        if not meaning.others:
            return found
        return found.model_copy(update={"notes": [*found.notes, note_of(value, meaning.others)]})

    def story_of_trace(self, trace_id: str) -> Story:
        """What happened in one trace, and what followed from it; raises UnknownTrace."""
        wanted = parse_trace_id(trace_id)
        spans = self._reader.spans_of([wanted], *ALL_STARTS, STORY.spans)
        if not spans:
            raise UnknownTrace(wanted)
        ref = TraceRef(wanted, min(span.start for span in spans), max(span.end for span in spans))
        return self._of(chosen(self._reader, [ref])).story("trace", wanted)

    def _of(self, reader: SpanReader) -> "LocalAnswers":
        """The same answers from another reader."""
        return LocalAnswers(reader, self._clock, self._usual, scoped=self._scoped)

    def _traces_following(self, traces: Sequence[TraceRef]) -> set[str]:
        """These traces, and all that follow from them."""
        window = story_window(traces)
        spans = closure(self._reader, [ref.trace_id for ref in traces], window, {}).spans
        return {span.trace_id for span in spans}

    def _story(self, key: str, value: str, since: datetime | None, until: datetime | None) -> Story:
        """What happened to a value of the keys that start with a key."""
        reader = self._reader
        with reader.at_one_moment():
            found = reader.traces_with(key, value, MAX_FOUND)
            told = first_and_newest(found)
            window = story_window(told, *map(_ns, (since, until)))
            groups: Groups = {}
            spans = closure(reader, [ref.trace_id for ref in told], window, groups).spans
            if not spans and found and (since or until):
                first, last = min(ref.first for ref in found), max(ref.last for ref in found)
                raise NotInRange(key, value, utc_time(first), utc_time(last))
            if not spans:
                raise UnknownValue(key, value, reader.nearest_values(key, value, _NEAREST))
            topics = {span.topic for span in spans if span.topic is not None}
            lag_of_groups = reader.latest_lag() if topics else []
            progress = _progress_of(reader, spans, lag_of_groups)
            consumption = Consumption(lag_of_groups, groups_of(reader, topics, groups), progress)
            peers = peers_of(reader, spans)
        truncated = len(told) < len(found) or len(spans) >= STORY.spans
        return build_story(
            key,
            value,
            spans,
            consumption,
            peers,
            truncated=truncated,
            now=self._clock(),
            usual=lambda entries: self._usual.of(entries, spans),
            scope=(lambda claim: affected_by(reader, claim)) if self._scoped else None,
            last_seen=self._last_seen,
            timed=self._scoped,
        )

    def _last_seen(self, service: str) -> int | None:
        """The end of the last span of a service."""
        return self._reader.last_spans([service]).get(service)

    def orders(
        self,
        asked: OrdersQuestion | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Orders:
        """The newest orders, or the worst, with what became of them; by default of any time."""
        _check_range(since, until)
        first = ALL_STARTS[0] if since is None else storable(nanoseconds(since))
        last = ALL_STARTS[1] if until is None else storable(nanoseconds(until))
        usual = SharedProfiles(self._usual)

        def tell(reader: SpanReader, key: str, value: str) -> Story:
            return LocalAnswers(reader, self._clock, usual, scoped=False).story(key, value)

        return OrdersFinder(self._reader, tell).find(asked or OrdersQuestion(), (first, last))

    def neighbours(self, key: str, value: str) -> Neighbours:
        """The orders before and after one."""
        return neighbours_of(self._reader, key, value)

    def service_map(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        unseen: bool = False,
        entry: str | None = None,
        settled: bool = True,
    ) -> ServiceMap:
        """Which service calls which, and how; unless `settled`, some spans may not be stored yet."""
        requested = self._window(since, until)
        begin, end = whole_minutes(*requested)
        with self._reader.at_one_moment():
            edges = self._reader.edges(begin, end)
            stale = begin % MINUTE == end % MINUTE == 0 and not (settled and self._reader.all_counted())
            counted_to = self._reader.counted_to() if stale else None
        # Rates apply to the time with data, not to the time before the first span or after the newest one.
        first, last = extent_of(self._reader, self._clock()) or requested
        polled = self._polled(requested)
        if begin <= last and first < end:
            shown = last + 1 if until is None else max(requested[1], last + 1)
            begin, end = max(begin, first), min(end, shown)
        found = build_service_map(
            edges,
            self._reader.latest_lag(polled),
            utc_time(begin),
            utc_time(end),
            namespaces=self._reader.namespaces(),
            unseen=unseen,
            counted_to=None if counted_to is None else utc_time(counted_to),
        )
        return (
            found
            if entry is None
            else of_entry(found, sample(self._reader, requested, now=self._clock()).entries, entry)
        )

    def findings(self, since: datetime | None = None, until: datetime | None = None) -> Findings:
        """What is wrong with how the services talk; the worst first."""
        service_map = self.service_map(since, until)
        window = self._window(since, until)
        sampled = sample(self._reader, window, keys=True, now=self._clock())
        judged_by = self._judged_by
        system = System(
            map=service_map,
            lag=lag_report(self._reader, self._polled(window)),
            entries=sampled.entries,
            keys=sampled.keys,
            thresholds=judged_by.thresholds,
            objectives=judged_by.objectives,
            now=self._clock(),
            whole=sampled.whole,
        )
        found = find(system, judged_by.ignore)
        limits = {
            "too_large": sampled.too_large,
            "complete": sampled.complete,
            "all_entries": sampled.all_entries,
        }
        return found.model_copy(update={"looked_at": found.looked_at.model_copy(update=limits)})

    def alerts(self) -> Alerts:
        """What is wrong now, by the conditions of alerts."""
        return alerts_now(self.alerts_look(), self._clock(), self._alerting.limits.window)

    def alerts_look(self) -> AlertsLook:
        """Looks at what alerts rest on."""
        return AlertsLook(self._reader, self._alerting, self._judged_by.objectives)

    def choreography(self, since: datetime | None = None, until: datetime | None = None) -> Choreography:
        """What ran, with counts and a proof of each part."""
        return observed_choreography(self._reader, self.service_map(since, until))

    def what_if(
        self, texts: ChangeTexts, since: datetime | None = None, until: datetime | None = None
    ) -> WhatIf:
        """What would become of the requests if something changed; by default those of the last hour."""
        return what_if_of(self._reader, texts, self._window(since, until), now=self._clock())

    def trace(self, trace_id: str, limit: int | None = None) -> Trace:
        """One trace with all that was sent; raises UnknownTrace."""
        wanted = parse_trace_id(trace_id)
        return trace_of(wanted, self._pages(wanted, limit), limit)

    def trace_json(self, trace_id: str, limit: int | None = None) -> Iterator[bytes]:
        """The same as JSON, piece by piece, for traces of very many spans."""
        wanted = parse_trace_id(trace_id)
        return json_of(wanted, self._pages(wanted, limit), limit)

    def logs(self, trace_ids: Sequence[str], limit: int = MOST) -> Logs:
        """What was logged in some traces."""
        wanted = list(dict.fromkeys(map(parse_trace_id, trace_ids)))
        return logs_of(self._reader.logs_of(wanted, limit + 1), limit)

    def _pages(self, trace_id: str, limit: int | None) -> Iterator[list[WholeSpan]]:
        """The spans of a trace, and one more than the limit if there are; the first are read at once."""
        pages = self._reader.trace(trace_id, None if limit is None else limit + 1)
        first = next(pages, None)
        if first is None:
            raise UnknownTrace(trace_id)
        return chain([first], pages)

    def lag(self) -> LagReport:
        """How far behind each consumer group is now."""
        return lag_report(self._reader)

    def waiting(self) -> LagReport:
        """How far behind each consumer group is, which messages wait, and why."""
        return waiting_report(self._reader)

    def lag_history(self, since: datetime | None = None, until: datetime | None = None) -> LagHistory:
        """How far behind each consumer group was over time."""
        begin, end = self._window(since, until)
        # Polls continue while no spans arrive, so the newest poll can be later than the newest span.
        found = lag.history(self._reader.lag_between(begin, end if until else self._clock()))
        return found.model_copy(update={"objectives": dict(self._judged_by.objectives.queue)})

    def latency(
        self, by: Literal["edge", "route"], since: datetime | None = None, until: datetime | None = None
    ) -> LatencyHistory:
        """Latency percentiles over time and of the whole time range."""
        window = self._window(since, until)
        return latency_history(self._reader, by, window, self._judged_by.objectives)

    def known_values(
        self, key: str, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> KnownValues:
        """The newest values of a business key."""
        values = self._reader.recent_values(key, *self._window(since, until, _VALUES_WINDOW), limit)
        return KnownValues(
            key=key, values=[KnownValue(value=value, last_seen=utc_time(seen)) for value, seen in values]
        )

    def status(self) -> Status:
        """What is stored."""
        now = self._clock()
        contents, extent = self._reader.contents(), extent_of(self._reader, now)
        outside = self._reader.spans_outside(*plausible_starts(now))
        return Status(
            version=importlib.metadata.version("laban"),
            spans=contents.spans,
            traces=contents.traces,
            traces_estimated=contents.estimated,
            services=list(contents.services),
            first=None if extent is None else utc_time(extent[0]),
            last=None if extent is None else utc_time(extent[1]),
            without_service_name=contents.unnamed,
            odd_times=odd_times(outside, now),
            warnings=data_warnings(contents.unnamed, outside, now),
        )

    def _window(
        self, since: datetime | None, until: datetime | None, length: int = _DEFAULT_WINDOW
    ) -> Window:
        """The time range in ns: by default up to now, and `length` ns long.

        A range without both ends ends at the newest span if that is older than the whole range.
        """
        _check_range(since, until)
        if until is not None:
            end = nanoseconds(until)
        else:
            now = self._clock()
            end = default_end(now, self._newest(now), length if since is None else now)
        begin = end - length if since is None else nanoseconds(since)
        return (storable(min(begin, end)), storable(end))

    def _polled(self, window: Window) -> Window | None:
        """When the polls were that tell how far behind the groups were at the end of a time range.

        None: the newest polls do, because no span is newer than the range. Polls go on without spans.
        """
        newest = self._newest(self._clock())
        return (
            None if newest is None or newest < window[1] else (min(window[0], window[1] - MINUTE), window[1])
        )

    def _newest(self, now: int) -> int | None:
        extent = extent_of(self._reader, now)
        return None if extent is None else extent[1]


def _ns(time: datetime | None) -> int | None:
    return None if time is None else nanoseconds(time)


def _check_range(since: datetime | None, until: datetime | None) -> None:
    """Raise InvalidTimeRange if a time range ends before it begins."""
    if since is not None and until is not None and since >= until:
        raise InvalidTimeRange(f"The time range ends ({until:%F %T}) before it begins ({since:%F %T}).")


def _progress_of(reader: SpanReader, spans: Sequence[Span], polls: Sequence[Lag]) -> list[QueueProgress]:
    """How the groups advance that have not committed a message of these spans."""
    newest: dict[tuple[str, int | None], int] = {}
    for span in spans:
        if is_publishing(span) and span.topic is not None and span.offset is not None:
            place = (span.topic, span.partition)
            newest[place] = max(newest.get(place, 0), span.offset)
    behind = [poll for poll in polls if (poll.committed or 0) <= newest.get((poll.topic, poll.partition), -1)]
    if not behind:
        return []
    until = max(poll.time for poll in behind) + 1
    topics = sorted({poll.topic for poll in behind})
    return reader.queue_progress(topics, until - _PROGRESS, until, until - _RATES)
