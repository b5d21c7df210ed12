from laban_mapper.story.builder import build_story
from laban_mapper.story.timeline import chapters

from ...mapper.shop_spans import hybrid_order, monolith_timeout


def test_every_consumed_message_starts_a_chapter() -> None:
    found = chapters(build_story("order", "123", hybrid_order()).steps)
    assert [(c.head.service, c.head.operation) for c in found] == [
        ("order", "POST /orders"),
        ("payment", "process orders"),
        ("email", "process orders"),
        ("order", "process payments"),
    ]


def test_the_two_sides_of_a_call_are_one_line() -> None:
    first = chapters(build_story("order", "123", hybrid_order()).steps)[0]
    assert [(line.depth, line.step.service, line.step.kind) for line in first.lines] == [
        (0, "order", "server"),
        (1, "pricing", "server"),
        (1, "order", "producer"),
    ]


def test_a_call_with_different_outcomes_on_its_sides_has_two_lines() -> None:
    lines = chapters(build_story("order", "123", monolith_timeout()).steps)[0].lines
    assert [(line.step.service, line.step.kind) for line in lines][-2:] == [
        ("pricing", "client"),
        ("user", "server"),
    ]


def test_without_folding_every_span_has_a_line() -> None:
    steps = build_story("order", "123", hybrid_order()).steps
    assert sum(len(chapter.lines) for chapter in chapters(steps, fold=False)) == len(steps)
