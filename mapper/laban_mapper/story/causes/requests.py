"""The requests of a story, and which part of an excess each of them waited for.

The entry is one, and so is the work on each message: queues lie between them, whose times differ so much that
they hide how long the work itself took.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from laban_mapper.profiles.sketch import Measure, Sketch
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.profiles.usual import FEWEST, Usual
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.excesses import Excess

_NOTHING = Sketch()


@dataclass(slots=True)
class Request:
    """A request, and the excesses that it waited for.

    Attributes:
        top: the entry, or the visit that a message led to.
        sketch: how long it usually takes; empty if unknown.
        found: the excesses below it, not across messages, each with the part that it waited for, in ns.
    """

    top: Occurrence
    sketch: Sketch
    found: list[tuple[Excess, float]] = field(default_factory=list[tuple[Excess, float]])

    @property
    def over(self) -> float:
        """How much longer it took than usual, in ns."""
        return self.top.span.duration - self.sketch.median

    @property
    def waited(self) -> float:
        """What it waited for all of its excesses, in ns."""
        return sum(part for _, part in self.found)


def requests_of(
    found: Sequence[Excess], below: Mapping[int, Sequence[Occurrence]], usual: Usual, causality: Causality
) -> list[Request]:
    """The requests that excesses other than waits belong to, if it is known how long they usually take."""
    requests: dict[int, Request] = {}
    for excess in found:
        if excess.where == "wait":
            continue
        top, part = _waited_for(excess, below, causality)
        if top.failed:
            continue
        request = requests.get(id(top))
        if request is None:
            known = usual.entry if top.above is None else usual.step(top.step)
            request = Request(top, _NOTHING if known is None else known.sketch(Measure.REPLY))
            requests[id(top)] = request
        request.found.append((excess, part))
    return [request for request in requests.values() if request.sketch.count >= FEWEST]


def _waited_for(
    excess: Excess, below: Mapping[int, Sequence[Occurrence]], causality: Causality
) -> tuple[Occurrence, float]:
    """The request above an excess, and which part of it that waited for: the others ran in parallel.

    Without the excess, a step would have ended earlier by it; but its caller would have gone on only when
    the last one of the steps had ended that ran at the same time.
    """
    one, part = excess.one, excess.over
    while one.above is not None and not causality.is_delivery(one.span):
        end = causality.end(one.span)
        beside = [other for other in below.get(id(one.above), ()) if other is not one]
        parallel = [
            causality.end(other.span)
            for other in beside
            if not causality.is_delivery(other.span) and causality.start(other.span) < end
        ]
        last = max([causality.start(one.span), *parallel])
        ended = min(max(last, end), causality.end(one.above.span))
        part = max(ended - max(last, end - part), 0.0)
        one = one.above
    return one, part
