"""What is usual for the entries of a story: the stored profiles, without the story itself."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from laban_app.answers.baseline import ENOUGH, LOOK, Example, Known, time_to_leave_out
from laban_app.answers.closure import Groups, Limits, closure
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import ALL_STARTS, Span
from laban_mapper.profiles.profile import profile_of
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.steps import entry_id
from laban_mapper.profiles.usual import Entry, Usual
from laban_mapper.times import storable

_BEFORE: Final = 7 * 24 * 3600 * 10**9
"""How long before an order its traces are compared with, ns."""
_LOOKED_AT: Final = 100
"""Traces that are looked at instead, at most."""
_TOGETHER: Final = 25
_SPANS: Final = 2_000
"""Spans after which no more of them are looked at."""
_LIMITS: Final = Limits(traces=1_000, spans=5_000)
_MOST_KEPT: Final = 500
_DAY: Final = 24 * 3600 * 10**9


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
        self._known: OrderedDict[tuple[int, int], Known] = OrderedDict()

    def of(self, entries: Sequence[Entry], spans: Sequence[Span]) -> dict[int, Usual]:
        """The profiles of the entries of a story, by entry; the traces of the story are not in them.

        They are of the traces before the minutes around the story, which its fault cannot have changed, if
        there are plenty; else of those before and after; but if too few remain, of all but the story itself.

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
        # What is subtracted below has to be in the profile: both are read at the same moment.
        with self._reader.at_one_moment():
            return self._of_entry(same, spans)

    def _of_entry(self, same: Sequence[Entry], spans: Sequence[Span]) -> Usual | None:
        begin, end = min(one.begin for one in same), max(one.end for one in same)
        known = self._whole(same[0], spans)
        if not known.counts and not known.examples:
            return None
        entry = same[0].entry
        left_out = time_to_leave_out(known, begin, end)
        if left_out is not None:
            _, counts = self._reader.profile(entry, *left_out) if known.counts else ([], [])
            return known.usual(known.examples_apart_from(left_out)).without(counts)
        traces = {one.trace_id for one in same}
        others = [one for one in known.examples if one.trace_id not in traces]
        own = profile_of(spans, traces).counts if known.counts else []
        return known.usual(others).without([count for count in own if count.entry == entry])

    def _whole(self, entry: Entry, spans: Sequence[Span]) -> Known:
        """The whole profile; a kept one is read again after some time, or if more was counted since."""
        now = self._clock()
        key = (entry.entry, entry.begin // _DAY)
        profiled = self._reader.profiled_to()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known.profiled == profiled and now < known.until:
            return known
        known = self._read(entry, known, Known(now, profiled, now, [], [], [], []), spans)
        with self._lock:
            self._known[key] = known
            self._known.move_to_end(key)
            if len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return known

    def _read(self, entry: Entry, before: Known | None, new: Known, spans: Sequence[Span]) -> Known:
        since = storable(entry.begin // _DAY * _DAY - _BEFORE)
        steps, counts = self._reader.profile(entry.entry, since, ALL_STARTS[1])
        slices = self._reader.profile_slices(entry.entry, Measure.SEEN, since, ALL_STARTS[1])
        known = new._replace(steps=steps, counts=counts, slices=slices)
        if known.counted >= ENOUGH:
            return known
        # Unless the profile has grown, the examples of before are still not in it.
        if before is not None and new.at - before.looked < LOOK and before.counted == known.counted:
            return known._replace(looked=before.looked, examples=before.examples)
        root = _root_of(entry, spans)
        return known if root is None else known._replace(examples=self._examples(entry.entry, root))

    def _examples(self, entry: int, root: Span) -> list[Example]:
        """Traces that no profile contains yet, each counted by itself."""
        reader, groups = self._reader, Groups()
        with reader.at_one_moment():
            found = reader.unprofiled_entries(root.namespace, root.service, root.name, _LOOKED_AT)
            examples: list[Example] = []
            read = 0
            for at in range(0, len(found), _TOGETHER):
                starts = {ref.trace_id: ref.first for ref in found[at : at + _TOGETHER]}
                followed = closure(reader, list(starts), ALL_STARTS, groups, _LIMITS)
                for trace, start in starts.items() if followed.complete else ():
                    profile = profile_of(followed.spans, [trace])
                    counts = [count for count in profile.counts if count.entry == entry]
                    if counts:
                        examples.append(Example(trace, start, profile.steps, counts))
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
