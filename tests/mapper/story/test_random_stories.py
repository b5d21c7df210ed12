"""Whatever the spans are, every one is in the story once, and the order of arrival changes nothing."""

import random

import pytest

from laban_mapper.spans import KIND_NAMES
from laban_mapper.story.builder import build_story
from laban_mapper.story.timeline import chapters

from .random_spans import random_spans

SEEDS = range(150)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_span_is_one_step_and_follows_its_cause(seed: int) -> None:
    spans = random_spans(seed)
    steps = build_story("order", "1", spans).steps
    assert sorted((step.trace_id, step.span_id, step.kind) for step in steps) == sorted(
        (span.trace_id, span.span_id, KIND_NAMES[span.kind]) for span in spans
    )
    for index, step in enumerate(steps):
        assert step.cause is None or step.cause < index
        assert step.depth == (0 if step.cause is None else steps[step.cause].depth + 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_arrival_does_not_change_the_story(seed: int) -> None:
    spans = random_spans(seed)
    story = build_story("order", "1", spans)
    numbers = random.Random(seed)  # noqa: S311 - nothing secret
    for _ in range(3):
        assert build_story("order", "1", numbers.sample(spans, len(spans))) == story


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_stand_for_all_steps(seed: int) -> None:
    steps = build_story("order", "1", random_spans(seed)).steps
    unfolded = [line.step for chapter in chapters(steps, fold=False) for line in chapter.lines]
    assert sorted(map(id, unfolded)) == sorted(map(id, steps))
    folded = [line for chapter in chapters(steps) for line in chapter.lines]
    assert sum(line.stands_for for line in folded) == len(steps)
    told = {step.error for line in folded for step in (line.step, *line.equal)}
    assert told >= {step.error for step in steps}


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_are_not_called_ok_and_no_wait_is_negative(seed: int) -> None:
    story = build_story("order", "1", random_spans(seed))
    if story.outcome == "ok":
        assert not any(step.error for step in story.steps)
    waits = [step.wait_ms for step in story.steps]
    waits += [group.wait_ms for message in story.messages for group in message.groups]
    assert all(wait is None or wait >= 0 for wait in waits)
    assert all(step.start_ms is not None and step.start_ms >= 0 for step in story.steps)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_reply_waited_for_is_as_long_as_the_request(seed: int) -> None:
    steps = build_story("order", "1", random_spans(seed)).steps
    known = [step for step in steps if step.critical_ms is not None]
    waited = [step for step in known if step.critical_ms]
    assert len(known) in (0, len(steps))
    assert all(0 <= (step.critical_ms or 0) <= step.duration_ms for step in steps)
    assert all(0 <= (step.critical_to_end_ms or 0) <= step.duration_ms for step in steps)
    assert not any(step.kind == "consumer" for step in waited)
    if waited:
        # The request is the first cause of every step that the reply waited for.
        request = waited[0]
        while request.cause is not None:
            request = steps[request.cause]
        assert sum(step.critical_ms or 0 for step in waited) == pytest.approx(request.duration_ms)
