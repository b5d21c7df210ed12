"""Usual traces of a made-up system, and the facts of one more trace, for tests of the rules."""

from collections.abc import Callable, Iterable, Sequence

from laban_collector.store.rows import Span
from laban_mapper.profiles.profile import profile_of
from laban_mapper.profiles.steps import entry_id, occurrences
from laban_mapper.profiles.usual import Usual
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.facts import Facts
from laban_mapper.story.messages import Consumption, messages_of

HOUR = 3600 * 10**9

Trace = Sequence[Span]


def usual_of(traces: Iterable[Trace]) -> Usual:
    """The profile of traces of one entry operation."""
    found = [profile_of(trace) for trace in traces]
    steps = {step.step: step for profile in found for step in profile.steps}
    return Usual(steps.values(), [count for profile in found for count in profile.counts])


def facts_of(
    spans: Trace,
    usual: Usual | None = None,
    *,
    consumption: Consumption | None = None,
    now: int | None = None,
    last_seen: dict[str, int] | None = None,
) -> Facts:
    """The facts of a story of one entry, asked an hour after it began unless said otherwise."""
    causality = Causality(spans)
    root = causality.roots[0]
    known = consumption or Consumption()
    profiles = {} if usual is None or usual.entry is None else {usual.entry.about.step: usual}
    compared = [one for one in causality.roots if entry_id(one) in profiles]
    return Facts(
        causality=causality,
        entry=root,
        messages=messages_of(causality, known),
        steps={id(one): occurrences(causality, one) for one in compared},
        usual={id(one): profiles[entry_id(one)] for one in compared},
        consumption=known,
        last_seen=(last_seen or {}).get,
        now=root.start + HOUR if now is None else now,
    )


def many(make: Callable[[], Trace], count: int = 40) -> Usual:
    """The profile of as many traces."""
    return usual_of(make() for _ in range(count))
