"""The critical path: the spans that determined how long everything took."""

from laban_collector.store.rows import Span
from laban_mapper.story.causality import Causality


def critical_path(causality: Causality) -> set[int]:
    """The ids (of the objects) of the spans that determined the total duration.

    The path leads from the span that ends last up through its causes to a root. Inside each of these spans it
    leads from the end back through the synchronous calls that the span waited for, one after the other (Yang
    and Miller, "Critical path analysis for the execution of parallel and distributed programs", 1988).
    """
    if not causality.spans:
        return set()
    last = max(causality.spans, key=causality.end)
    trunk = [last, *causality.ancestors(last)]
    path = {id(span) for span in trunk}
    for span, onward in zip(trunk, [None, *trunk[:-1]], strict=True):
        until = causality.end(span)
        if onward is not None and causality.is_delivery(onward):
            until = min(until, causality.start(onward))
        _walk_back(span, until, causality, path)
    return path


def _walk_back(span: Span, until: int, causality: Causality, path: set[int]) -> None:
    stack = [(span, until)]
    while stack:
        above, moment = stack.pop()
        calls = [call for call in causality.effects(above) if not causality.is_delivery(call)]
        for call in sorted(calls, key=causality.end, reverse=True):
            if causality.end(call) <= moment:
                path.add(id(call))
                stack.append((call, causality.end(call)))
                moment = causality.start(call)
