"""The critical path: the spans that decided how long it all took."""

from laban_collector.store.base import Span
from laban_mapper.spans import CONSUMER
from laban_mapper.story.causality import Causality, SpanKey, key_of


def critical_path(causality: Causality) -> set[SpanKey]:
    """The spans that the end of the last of them waited for.

    From the span that ends last, up through its causes to the beginning; and inside each of those, back
    from its end through the synchronous calls that it waited for, one after the other (the walk of
    Yang and Miller, "Critical path analysis for the execution of parallel and distributed programs", 1988).
    """
    if not causality.spans:
        return set()
    last = max(causality.spans, key=lambda span: span.end)
    trunk = [last, *causality.ancestors(last)]
    path = {key_of(span) for span in trunk}
    for span, onward in zip(trunk, [None, *trunk[:-1]], strict=True):
        until = span.end if onward is None or onward.kind != CONSUMER else min(span.end, onward.start)
        _walk_back(span, until, causality, path)
    return path


def _walk_back(span: Span, until: int, causality: Causality, path: set[SpanKey]) -> None:
    stack = [(span, until)]
    while stack:
        above, moment = stack.pop()
        calls = [call for call in causality.effects(above) if call.kind != CONSUMER]
        for call in sorted(calls, key=lambda call: call.end, reverse=True):
            if call.end <= moment:
                path.add(key_of(call))
                stack.append((call, call.end))
                moment = call.start
