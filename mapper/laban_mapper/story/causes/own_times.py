"""Where the time of a call went: which service took it itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.steps import Occurrence, occurrences
from laban_mapper.profiles.usual import FEWEST, Usual
from laban_mapper.spans import CLIENT, NS_PER_MS
from laban_mapper.story.causes.callees import Callee, callee_of
from laban_mapper.story.causes.facts import Facts

_TELLING: Final = 0.1
"""The share of a call from which on an excess over the usual tells where its time went."""


@dataclass(slots=True)
class Spent:
    """The time that a service took itself for one operation; or the time between a call and its callee.

    Attributes:
        callee: the service.
        operation: what it did.
        span: its longest visit.
        longest: the own time of that visit, ns.
        own: the own time of all visits, ns.
        visits: how many there were.
        between: whether the time was lost between the call and its server half.
        usual: the usual own time of one visit, ns; None if unknown.
        examples: how many traces the usual value rests on.
    """

    callee: Callee
    operation: str
    span: Span
    longest: int
    own: int = 0
    visits: int = 0
    between: bool = False
    usual: float | None = None
    examples: int | None = None

    @property
    def excess(self) -> float:
        """What the visits took longer than usual; all of it if nothing is known."""
        return self.own - self.visits * (self.usual or 0)

    @property
    def usual_ms(self) -> float | None:
        """The usual own time of one visit in ms."""
        return None if self.usual is None else self.usual / NS_PER_MS


def spent_below(call: Span, facts: Facts) -> list[Spent]:
    """The services that took the time of a call, the largest excess over the usual first.

    If nothing took much longer than usual, the longest time comes first.
    """
    steps, usual = _steps_below(call, facts)
    found: dict[tuple[str, str, bool], Spent] = {}
    for one in steps:
        if one.kind == "publish":
            continue
        if one.own is not None:
            _add(found, one, one.own, Measure.OWN, usual, facts)
        if one.gap is not None:
            _add(found, one, one.gap, Measure.GAP, usual, facts)
    by_excess = sorted(found.values(), key=lambda spent: -spent.excess)
    if by_excess and by_excess[0].excess < _TELLING * call.duration:
        # It took as long as it usually does, as when the fault has lasted: then the time itself tells.
        return sorted(by_excess, key=lambda spent: -spent.own)
    return by_excess


def _steps_below(call: Span, facts: Facts) -> tuple[Sequence[Occurrence], Usual | None]:
    """The steps from a call on, and the profile that they can be compared with."""
    causality = facts.causality
    top = next((above for above in causality.ancestors(call) if id(above) in facts.steps), None)
    if top is not None:
        steps, usual = facts.steps[id(top)], facts.usual[id(top)]
    else:
        steps, usual = occurrences(causality, causality.cause(call) or call), None
    inside = {id(call), *(id(span) for span in causality.below(call, across_messages=False))}
    return [one for one in steps if id(one.span) in inside], usual


def _add(
    found: dict[tuple[str, str, bool], Spent],
    one: Occurrence,
    time: int,
    measure: Measure,
    usual: Usual | None,
    facts: Facts,
) -> None:
    between = measure == Measure.GAP
    callee = Callee(one.span.service)
    if one.span.kind == CLIENT and not between:
        callee = callee_of(one.span, facts) or callee
    place = (callee.name, one.operation, between)
    spent = found.setdefault(place, Spent(callee, one.operation, one.span, time, between=between))
    step = None if usual is None else usual.step(one.step)
    sketch = None if step is None else step.sketch(measure)
    if sketch is not None and sketch.count >= FEWEST and spent.usual is None:
        spent.usual, spent.examples = sketch.median, sketch.count
    spent.own += time
    spent.visits += 1
    if time > spent.longest:
        spent.longest, spent.span = time, one.span
