import random

from laban_collector.store.rows import WholeSpan
from laban_mapper.trace import TraceSpan, trace_of
from laban_mapper.trace_tree import tree

from .test_trace import TRACE, pages, row


def lines(*rows: WholeSpan) -> list[tuple[int, str]]:
    spans = trace_of(TRACE, pages(*rows)).spans
    return [(depth, span.name) for depth, span in tree(spans)]


def test_the_tree_has_each_span_below_its_parent_by_start() -> None:
    rows = [row(1), row(3, 1, at=9), row(2, 1, at=4), row(4, 2), row(5, 99)]
    assert lines(*rows) == [
        (0, "span 1"),
        (1, "span 2"),
        (2, "span 4"),
        (1, "span 3"),
        (0, "span 5"),
    ]


def test_rings_of_parents_are_cut_at_the_earliest_span() -> None:
    assert lines(row(1, 1)) == [(0, "span 1")]
    assert lines(row(2, 3), row(3, 2), row(4, 3)) == [(0, "span 2"), (1, "span 3"), (2, "span 4")]


def test_both_halves_of_a_shared_span_are_in_the_tree() -> None:
    client, server = row(2, 1, kind=3), row(2, 1, kind=2, name="answer")
    assert lines(row(1), client, server, row(3, 2)) == [
        (0, "span 1"),
        (1, "span 2"),
        (2, "answer"),
        (3, "span 3"),
    ]


def test_every_span_is_in_the_tree_once() -> None:
    dice = random.Random(5)  # noqa: S311 - nothing secret
    for _ in range(50):
        rows = [
            row(dice.randrange(1, 15), dice.choice([None, *range(15)]), kind=dice.choice([1, 2, 3]))
            for _ in range(20)
        ]
        spans: list[TraceSpan] = trace_of(TRACE, pages(*rows)).spans
        assert sorted(id(span) for _, span in tree(spans)) == sorted(map(id, spans))


def test_a_deep_trace_needs_no_recursion() -> None:
    assert lines(*(row(number, number - 1) for number in range(1, 5_000)))[-1] == (4_998, "span 4999")
