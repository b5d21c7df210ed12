"""Counts what traces look like, for the profiles of their entry operations."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from laban_collector.store.rows import MINUTE, ProfileCount, ProfileStep, Span
from laban_mapper.names import with_namespaces
from laban_mapper.profiles.followers import Followers
from laban_mapper.profiles.sketch import Measure, bucket_of
from laban_mapper.profiles.steps import Occurrence, entry_roots, occurrences, own_name
from laban_mapper.story.causality import Causality, without_other_messages

_MOST_STEPS = 500
"""Steps of one trace that are counted; a trace with more has another shape each time."""

_Key = tuple[int, int, int, int]
"""Minute, entry, step, measure."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What some traces look like, as rows of a store."""

    steps: list[ProfileStep]
    counts: list[ProfileCount]


def profile_of(
    spans: Sequence[Span], traces: Collection[str] | None = None, most: int | None = None
) -> Profile:
    """Count the steps of traces, each by itself, and of what follows from it.

    Args:
        spans: of the traces, and of the traces that follow from them.
        traces: those whose roots are entries; None: all.
        most: spans to work through; the traces after that are left out.
    """
    followers = Followers(with_namespaces(spans))
    tally = Tally()
    left = most
    # By sorted ids, which are random: which traces are left out does not depend on their times.
    for trace in sorted({span.trace_id for span in spans} if traces is None else set(traces)):
        if followers.follows(trace):
            continue
        found = followers.spans(trace)
        left = None if left is None else left - len(found)
        if left is not None and left < 0:
            break
        tally.add(found, trace)
    return tally.profile()


class Tally:
    """Counts traces one after the other."""

    def __init__(self) -> None:
        self._steps: dict[int, ProfileStep] = {}
        self._counts: dict[_Key, Counter[int]] = {}

    def add(self, spans: Sequence[Span], trace: str) -> None:
        """Count the roots of a trace.

        Args:
            spans: of the trace and of what follows from it.
            trace: its id.
        """
        causality = without_other_messages(Causality(spans))
        for root in entry_roots(causality):
            if root.trace_id == trace:
                self._add_root(causality, root)

    def profile(self) -> Profile:
        """The counts as rows."""
        return Profile(
            list(self._steps.values()),
            [
                ProfileCount(key[0], 1, *key[1:], tuple(sorted(found.items())))
                for key, found in self._counts.items()
            ],
        )

    def _add_root(self, causality: Causality, root: Span) -> None:
        found = occurrences(causality, root)
        by_step = _by_step(found)
        if len(by_step) > _MOST_STEPS:
            return
        minute, entry = root.start // MINUTE, found[0].step
        for step, same in by_step.items():
            first = same[0]
            if step not in self._steps:
                self._steps[step] = _step_of(first, entry)
            for measure, bucket in _measured(same):
                key = (minute, entry, step, measure)
                counter = self._counts.get(key)
                if counter is None:
                    counter = self._counts[key] = Counter()
                counter[bucket] += 1
        if not found[0].failed:
            last = max(causality.end(one.span) for one in found)
            whole = last - causality.start(root)
            for measure, value in ((Measure.REPLY, root.duration), (Measure.WHOLE, whole)):
                self._counts.setdefault((minute, entry, entry, measure), Counter())[bucket_of(value)] += 1


def _measured(same: Sequence[Occurrence]) -> list[tuple[Measure, int]]:
    """What is counted of the occurrences of a step in a trace: measures and buckets."""
    found: list[tuple[Measure, int]] = [(Measure.VISITS, len(same))]
    if any(one.above is None or not one.above.failed for one in same):
        found.append((Measure.SEEN, 0))
    good = [one for one in same if not one.failed]
    if good:
        found.append((Measure.OK, 0))
    for one in good:
        if one.own is not None:
            found.append((Measure.OWN, bucket_of(one.own)))
        if one.gap is not None:
            found.append((Measure.GAP, bucket_of(one.gap)))
        if one.wait is not None:
            found.append((Measure.WAIT, bucket_of(one.wait)))
        if one.reply is not None:
            found.append((Measure.REPLY, bucket_of(one.reply)))
        found.append((Measure.DELAY, bucket_of(one.delay)))
    return found


def _step_of(first: Occurrence, entry: int) -> ProfileStep:
    return ProfileStep(
        first.step,
        0 if first.above is None else first.above.step,
        entry,
        own_name(first.span),
        first.span.namespace,
        first.operation,
        first.kind,
        first.span.group,
    )


def _by_step(found: Sequence[Occurrence]) -> dict[int, list[Occurrence]]:
    same: dict[int, list[Occurrence]] = {}
    for one in found:
        same.setdefault(one.step, []).append(one)
    return same
