"""The spans of a trace as a tree: each below its parent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from laban_mapper.trace import TraceSpan


class Branch(NamedTuple):
    """A span in the tree of its trace."""

    depth: int
    span: TraceSpan


def tree(spans: Sequence[TraceSpan]) -> list[Branch]:
    """The spans of a trace with their depth, each below its parent, by start.

    A span whose parent is not there is a root. A ring of parents is cut at its earliest span.
    """
    by_start = sorted(spans, key=lambda span: (span.start_ns, span.span_id))
    known = {(span.span_id, span.kind == "client"): span for span in by_start}
    children: defaultdict[int, list[TraceSpan]] = defaultdict(list)
    roots: list[TraceSpan] = []
    for span in by_start:
        parent = _parent(span, known)
        (roots if parent is None else children[id(parent)]).append(span)
    found: list[Branch] = []
    left = {id(span) for span in by_start}
    for root in [*roots, *by_start]:  # spans of a ring are below no root
        if id(root) in left:
            found += _below(root, children, left)
    return found


def _parent(span: TraceSpan, known: Mapping[tuple[str, bool], TraceSpan]) -> TraceSpan | None:
    """The parent; the server half of a Zipkin shared span is below its client half."""
    shared = known.get((span.span_id, True))
    if shared is not None and shared is not span:
        return shared
    if span.parent_id is None:
        return None
    halves = (known.get((span.parent_id, is_client)) for is_client in (False, True))
    return next((parent for parent in halves if parent is not None and parent is not span), None)


def _below(root: TraceSpan, children: Mapping[int, list[TraceSpan]], left: set[int]) -> list[Branch]:
    """The branch of a root, depth first; takes its spans from `left`."""
    found: list[Branch] = []
    waiting = [Branch(0, root)]
    while waiting:
        branch = waiting.pop()
        if id(branch.span) not in left:
            continue
        left.remove(id(branch.span))
        found.append(branch)
        below = children.get(id(branch.span), [])
        waiting += [Branch(branch.depth + 1, child) for child in reversed(below)]
    return found
