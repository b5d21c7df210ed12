"""Counts what traces look like, for the profiles of their entry operations."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from laban_collector.store.rows import MINUTE, ProfileCount, ProfileStep, Span
from laban_mapper.profiles.sketch import Measure, bucket_of
from laban_mapper.profiles.steps import Occurrence, is_entry, occurrences, own_name
from laban_mapper.story.causality import Causality

_MOST_STEPS = 500
"""Steps of one trace that are counted; a trace with more has another shape each time."""

_Key = tuple[int, int, int, int]
"""Minute, entry, step, measure."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What some traces look like, as rows of a store."""

    steps: list[ProfileStep]
    counts: list[ProfileCount]


def profile_of(spans: Sequence[Span], traces: Collection[str] | None = None) -> Profile:
    """Count the steps of traces, and what follows from them.

    Args:
        spans: of the traces, and of the traces that follow from them.
        traces: those whose roots are entries; None: all.
    """
    causality = Causality(spans)
    steps: dict[int, ProfileStep] = {}
    counts: dict[_Key, Counter[int]] = {}
    rooted = {root.trace_id for root in causality.roots if not causality.is_orphan(root)}
    for root in causality.roots:
        if traces is not None and root.trace_id not in traces:
            continue
        # A part whose parent was lost is no entry beside the real one.
        if is_entry(root, causality) and not (causality.is_orphan(root) and root.trace_id in rooted):
            _count(causality, root, steps, counts)
    return Profile(
        list(steps.values()),
        [ProfileCount(key[0], 1, *key[1:], tuple(sorted(found.items()))) for key, found in counts.items()],
    )


def _count(
    causality: Causality, root: Span, steps: dict[int, ProfileStep], counts: dict[_Key, Counter[int]]
) -> None:
    found = occurrences(causality, root)
    entry = found[0].step
    minute = root.start // MINUTE

    def add(step: int, measure: Measure, bucket: int) -> None:
        counts.setdefault((minute, entry, step, measure), Counter())[bucket] += 1

    if len({one.step for one in found}) > _MOST_STEPS:
        return
    for step, same in _by_step(found).items():
        first = same[0]
        if step not in steps:
            steps[step] = ProfileStep(
                step,
                0 if first.above is None else first.above.step,
                entry,
                own_name(first.span),
                first.span.namespace,
                first.operation,
                first.kind,
                first.span.group,
            )
        if any(one.above is None or not one.above.failed for one in same):
            add(step, Measure.SEEN, 0)
        good = [one for one in same if not one.failed]
        if good:
            add(step, Measure.OK, 0)
        add(step, Measure.VISITS, len(same))
        for one in good:
            for measure, value in (
                (Measure.OWN, one.own),
                (Measure.GAP, one.gap),
                (Measure.WAIT, one.wait),
                (Measure.DELAY, one.delay),
            ):
                if value is not None:
                    add(step, measure, bucket_of(value))
    if not found[0].failed:
        add(entry, Measure.REPLY, bucket_of(root.duration))
        last = max(causality.end(one.span) for one in found)
        add(entry, Measure.WHOLE, bucket_of(last - causality.start(root)))


def _by_step(found: Sequence[Occurrence]) -> dict[int, list[Occurrence]]:
    same: dict[int, list[Occurrence]] = {}
    for one in found:
        same.setdefault(one.step, []).append(one)
    return same
