"""What is usual for the entries of a story: the stored profiles, without the story itself."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from laban_app.answers.closure import Groups, Limits, closure
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import ALL_STARTS, MINUTE, ProfileCount, ProfileStep, Span
from laban_mapper.profiles.profile import profile_of
from laban_mapper.profiles.steps import entry_id
from laban_mapper.profiles.usual import FEWEST, Entry, Usual
from laban_mapper.times import storable

_BEFORE: Final = 7 * 24 * 3600 * 10**9
"""How long before an order its traces are compared with, ns."""
_AROUND: Final = 2 * MINUTE
"""How long before and after the order traces may share its fault, ns."""
_ENOUGH: Final = 50
"""Examples in the profile, beside which the newest traces are not looked at."""
_LOOKED_AT: Final = 100
"""Traces that are looked at instead, at most."""
_TOGETHER: Final = 25
_SPANS: Final = 2_000
"""Spans after which no more of them are looked at."""
_LIMITS: Final = Limits(traces=1_000, spans=5_000)
_KEPT: Final = 30 * 10**9
"""ns for which a profile is kept in memory."""
_MOST_KEPT: Final = 500

_LOOK: Final = 10 * 10**9
"""ns for which traces that no profile contains are kept."""
_DAY: Final = 24 * 3600 * 10**9

_Range = tuple[int, int]


class _Example(NamedTuple):
    """A trace that is not in the profile yet.

    Attributes:
        trace_id: of the trace.
        start: of its root, ns.
        steps: what it looks like.
        counts: of this trace and entry alone.
    """

    trace_id: str
    start: int
    steps: list[ProfileStep]
    counts: list[ProfileCount]


class _Known(NamedTuple):
    """The whole profile of an entry.

    Attributes:
        at: when it was read, ns.
        looked: when the examples were read.
        steps: of the entry.
        counts: of all time slices together.
        examples: traces that are not in the profile yet; empty if it has enough.
    """

    at: int
    looked: int
    steps: list[ProfileStep]
    counts: list[ProfileCount]
    examples: list[_Example]

    def usual(self, examples: Iterable[_Example]) -> Usual:
        """The profile together with some of the examples."""
        steps = {step.step: step for step in self.steps}
        counts = list(self.counts)
        for one in examples:
            steps.update((step.step, step) for step in one.steps)
            counts += one.counts
        return Usual(steps.values(), counts)


class UsualProfiles:
    """Reads profiles, and keeps those that were asked for. Thread-safe.

    Args:
        reader: of the store.
        clock: ns since the epoch.
    """

    def __init__(self, reader: SpanReader, clock: Callable[[], int] = time.time_ns) -> None:
        self._reader = reader
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, int], _Known] = OrderedDict()

    def of(self, entries: Sequence[Entry], spans: Sequence[Span]) -> dict[int, Usual]:
        """The profiles of the entries of a story, by entry; the traces of the story are not in them.

        Leaves out the minutes around the story; but if too few examples remain, only the story itself.

        Args:
            entries: of the story.
            spans: of the story.
        """
        found: dict[int, Usual] = {}
        for entry in dict.fromkeys(one.entry for one in entries):
            same = [one for one in entries if one.entry == entry]
            usual = self.of_entry(same, spans)
            if usual is not None:
                found[entry] = usual
        return found

    def of_entry(self, same: Sequence[Entry], spans: Sequence[Span]) -> Usual | None:
        """The profile of one entry; None if nothing is known of it.

        Args:
            same: the roots of a story that are of this entry.
            spans: of the story.
        """
        begin, end = min(one.begin for one in same), max(one.end for one in same)
        around = (storable(begin - _AROUND), storable(end + _AROUND))
        known = self._whole(same[0], around, spans)
        if not known.counts and not known.examples:
            return None
        distant = [one for one in known.examples if not around[0] <= one.start < around[1]]
        _, near = self._reader.profile(same[0].entry, *around) if known.counts else ([], [])
        usual = known.usual(distant).without(near)
        if usual.examples >= FEWEST:
            return usual
        traces = {one.trace_id for one in same}
        others = [one for one in known.examples if one.trace_id not in traces]
        own = profile_of(spans, traces).counts if known.counts else []
        return known.usual(others).without([count for count in own if count.entry == same[0].entry])

    def _whole(self, entry: Entry, around: _Range, spans: Sequence[Span]) -> _Known:
        """The whole profile; a kept one is read again if it may lack traces of the time around the story."""
        now = self._clock()
        key = (entry.entry, entry.begin // _DAY)
        with self._lock:
            known = self._known.get(key)
        if known is not None and now - known.at < _KEPT and around[1] < known.at:
            return known
        known = self._read(entry, known, now, spans)
        with self._lock:
            self._known[key] = known
            self._known.move_to_end(key)
            if len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return known

    def _read(self, entry: Entry, before: _Known | None, now: int, spans: Sequence[Span]) -> _Known:
        since = storable(entry.begin // _DAY * _DAY - _BEFORE)
        steps, counts = self._reader.profile(entry.entry, since, ALL_STARTS[1])
        known = _Known(now, now, steps, counts, [])
        counted = known.usual(()).examples
        if counted >= _ENOUGH:
            return known
        # Unless the profile has grown, the examples of before are still not in it.
        if before is not None and now - before.looked < _LOOK and before.usual(()).examples == counted:
            return known._replace(looked=before.looked, examples=before.examples)
        root = _root_of(entry, spans)
        return known if root is None else known._replace(examples=self._examples(entry.entry, root))

    def _examples(self, entry: int, root: Span) -> list[_Example]:
        """Traces that no profile contains yet, each counted by itself."""
        reader, groups = self._reader, Groups()
        with reader.at_one_moment():
            found = reader.unprofiled_entries(root.namespace, root.service, root.name, _LOOKED_AT)
            examples: list[_Example] = []
            read = 0
            for at in range(0, len(found), _TOGETHER):
                starts = {ref.trace_id: ref.first for ref in found[at : at + _TOGETHER]}
                followed = closure(reader, list(starts), ALL_STARTS, groups, _LIMITS)
                for trace, start in starts.items() if followed.complete else ():
                    profile = profile_of(followed.spans, [trace])
                    counts = [count for count in profile.counts if count.entry == entry]
                    if counts:
                        examples.append(_Example(trace, start, profile.steps, counts))
                read += len(followed.spans)
                if read >= _SPANS:
                    break
        return examples


def _root_of(entry: Entry, spans: Sequence[Span]) -> Span | None:
    return next(
        (
            span
            for span in spans
            if span.trace_id == entry.trace_id and span.start == entry.begin and entry_id(span) == entry.entry
        ),
        None,
    )
