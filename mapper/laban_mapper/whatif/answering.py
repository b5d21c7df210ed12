"""Answers what would happen if: replays the sampled traces of each entry operation, before and after."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from laban_mapper.findings.facts import SampledEntry, SampledTrace
from laban_mapper.model import LookedAt
from laban_mapper.model_whatif import WhatIf, WhatIfEntry, WhatIfOutcome, WhatIfRange
from laban_mapper.profiles.steps import entry_roots
from laban_mapper.whatif.assumptions import FEW, Assumptions
from laban_mapper.whatif.changes import Changes, ChangeTexts, described, parse_changes
from laban_mapper.whatif.event_graph import Node, graph_of, walk
from laban_mapper.whatif.habits import Habits
from laban_mapper.whatif.late_steps import late_steps
from laban_mapper.whatif.replay import Outcome, Replay
from laban_mapper.whatif.scenarios import LIKELY, interval, scenarios

_RESAMPLES: Final = 100
_MOST_SENTENCES: Final = 100
_NS_PER_MS: Final = 1e6
_TOO_DEEP: Final = "too deep"
_INCOMPLETE: Final = "incomplete"


@dataclass(slots=True)
class _Entry:
    """An entry operation with the graphs of its traces."""

    sampled: SampledEntry
    graphs: list[Node] = field(default_factory=list[Node])
    left_out: Counter[str] = field(default_factory=Counter[str])
    before: list[Outcome] = field(default_factory=list[Outcome])


def what_if(sampled: Sequence[SampledEntry], texts: ChangeTexts, looked_at: LookedAt | None = None) -> WhatIf:
    """Replay sampled traces with changes.

    Args:
        sampled: entry operations, with a random sample of their traces.
        texts: the changes.
        looked_at: what was read.

    Raises:
        InvalidChange: a change is not understood.
        UnknownPlace: a service or an edge does not exist in the traces.
    """
    entries = [_read(one) for one in sampled]
    habits = Habits(graph for entry in entries for graph in entry.graphs)
    changes = parse_changes(texts, habits.places)
    for entry in entries:
        complete = [graph for graph in entry.graphs if _is_complete(graph)]
        entry.left_out[_INCOMPLETE] += len(entry.graphs) - len(complete)
        entry.graphs = complete
        unchanged = Replay(habits)
        entry.before = [unchanged.outcome(graph) for graph in complete]
    assumptions = Assumptions()
    answered = [_answer(entry, habits, changes, assumptions) for entry in entries]
    return WhatIf(
        changes=described(changes),
        entries=sorted(answered, key=lambda one: not one.affected),
        assumptions=_bounded(assumptions.sentences),
        looked_at=looked_at or LookedAt(traces=sum(len(one.traces) for one in sampled)),
    )


def _bounded(sentences: list[str]) -> list[str]:
    more = len(sentences) - _MOST_SENTENCES
    return sentences if more <= 0 else [*sentences[:_MOST_SENTENCES], f"And {more:,} more of the same kinds."]


def _read(sampled: SampledEntry) -> _Entry:
    entry = _Entry(sampled)
    for trace in sampled.traces:
        if _lacks_spans(trace):
            entry.left_out[_INCOMPLETE] += 1
            continue
        graph = graph_of(trace.causality, trace.root)
        if graph is None:
            entry.left_out[_TOO_DEEP] += 1
        else:
            entry.graphs.append(graph)
    return entry


def _lacks_spans(trace: SampledTrace) -> bool:
    """Whether a span that is the parent of others has not come; a caller outside is no such parent."""
    orphans = [root for root in trace.causality.roots if trace.causality.is_orphan(root)]
    if not orphans or orphans == [trace.root]:
        return False
    entries = {id(root) for root in entry_roots(trace.causality)}
    return any(id(orphan) not in entries for orphan in orphans)


def _is_complete(graph: Node) -> bool:
    """Whether each call that went well has the span of its callee, if callees of its kind send spans."""
    return not any(
        node.role == "call" and not node.failed and node.answering is None and node.callee is not None
        for node in walk(graph)
    )


def _answer(entry: _Entry, habits: Habits, changes: Changes, assumptions: Assumptions) -> WhatIfEntry:
    noted = Assumptions()
    replay = Replay(habits, changes, LIKELY, noted)
    after = [replay.outcome(graph) for graph in entry.graphs]
    affected = after != entry.before
    others = [after]
    if affected:
        others += _others(entry.graphs, habits, changes, noted)
    assumptions.merge(noted)
    late, more = late_steps(entry.graphs, entry.before, after) if affected else ([], 0)
    return WhatIfEntry(
        entry=entry.sampled.name,
        service=entry.sampled.service,
        operation=entry.sampled.operation,
        affected=affected,
        seen=entry.sampled.seen,
        traces=len(entry.graphs),
        left_out={reason: count for reason, count in entry.left_out.items() if count},
        before=_outcome(entry.before),
        after=_outcome(after),
        range=_range(others),
        late=late,
        late_more=more,
    )


def _others(
    graphs: Sequence[Node], habits: Habits, changes: Changes, noted: Assumptions
) -> list[list[Outcome]]:
    """The outcomes with everything that may be otherwise than assumed; notes what only they assume."""
    while True:
        doubts = set(noted.doubts)
        found: list[list[Outcome]] = []
        for scenario in scenarios(doubts):
            replay = Replay(habits, changes, scenario, noted)
            found.append([replay.outcome(graph) for graph in graphs])
        if noted.doubts == doubts:  # what an assumption leads to can be in doubt itself
            return found


def _outcome(outcomes: Sequence[Outcome]) -> WhatIfOutcome:
    count = len(outcomes)
    if not count:
        return WhatIfOutcome(failed=None, unfinished=None, p50_ms=None, p95_ms=None)
    times = sorted(one.duration for one in outcomes if one.duration is not None)
    return WhatIfOutcome(
        failed=100 * sum(one.failed for one in outcomes) / count,
        unfinished=100 * sum(bool(one.unfinished) for one in outcomes) / count
        if _leads_on(outcomes)
        else None,
        p50_ms=_quantile(times, 0.5),
        p95_ms=_quantile(times, 0.95) if len(times) >= FEW else None,
    )


def _range(scenarios_of: Sequence[Sequence[Outcome]]) -> WhatIfRange:
    """The least and the most of all scenarios; in each, traces could have been drawn otherwise."""
    count = len(scenarios_of[0])
    if not count:
        return WhatIfRange()
    failed = [_share(one, lambda outcome: outcome.failed) for one in scenarios_of]
    unfinished = [
        _share(one, lambda outcome: bool(outcome.unfinished)) for one in scenarios_of if _leads_on(one)
    ]
    times = [sorted(one.duration for one in each if one.duration is not None) for each in scenarios_of]
    p50 = [_resampled(each, 0.5) for each in times if each]
    p95 = [_resampled(each, 0.95) for each in times if len(each) >= FEW]
    return WhatIfRange(
        failed=_widest(failed), unfinished=_widest(unfinished), p50_ms=_widest(p50), p95_ms=_widest(p95)
    )


def _leads_on(outcomes: Sequence[Outcome]) -> bool:
    """Whether a message led to anything, so that something can be unfinished."""
    return any(one.unfinished is not None for one in outcomes)


def _share(outcomes: Sequence[Outcome], is_so: Callable[[Outcome], bool]) -> tuple[float, float]:
    least, most = interval(sum(map(is_so, outcomes)), len(outcomes))
    return 100 * least, 100 * most


def _widest(ranges: Iterable[tuple[float, float]]) -> tuple[float, float] | None:
    found = list(ranges)
    return (min(one[0] for one in found), max(one[1] for one in found)) if found else None


def _resampled(times: Sequence[int], share: float) -> tuple[float, float]:
    """Between which values a quantile lies with 90 %, if the traces had been drawn again (bootstrap)."""
    numbers = random.Random(len(times))  # noqa: S311 - no secret; the same traces give the same answer
    found: list[float] = []
    for _ in range(_RESAMPLES):
        drawn = sorted(numbers.choices(times, k=len(times)))
        found.append(_quantile(drawn, share) or 0.0)
    found.sort()
    cut = _RESAMPLES // 20
    whole = _quantile(times, share) or 0.0
    return min(found[cut], whole), max(found[-1 - cut], whole)


def _quantile(times: Sequence[int], share: float) -> float | None:
    """A quantile of sorted times in ms, between the two nearest; None without times."""
    if not times:
        return None
    place = share * (len(times) - 1)
    below = int(place)
    above = min(below + 1, len(times) - 1)
    return (times[below] + (times[above] - times[below]) * (place - below)) / _NS_PER_MS
