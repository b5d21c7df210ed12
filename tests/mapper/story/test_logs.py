from datetime import timedelta

import pytest

from laban_collector.store.rows import LogLine
from laban_mapper.model import Story
from laban_mapper.story import logs
from laban_mapper.story.builder import build_story
from laban_mapper.story.logs import logs_of, severity_name, with_logs
from laban_mapper.times import nanoseconds

from ..shop_spans import hybrid_order


@pytest.fixture(scope="module")
def story() -> Story:
    return build_story("order", "123", hybrid_order())


def line(story: Story, index: int | None, after_ms: float = 0, **fields: object) -> LogLine:
    """Return a record of a step, some ms after its start; without an index, of the trace."""
    step = story.steps[index or 0]
    values: dict[str, object] = {
        "trace_id": step.trace_id,
        "span_id": None if index is None else step.span_id,
        "time": nanoseconds(step.time) + int(after_ms * 1_000_000),
        "severity": 9,
        "severity_text": "INFO",
        "service": step.service,
        "namespace": None,
        "logger": "shop",
        "event_name": None,
        "body": f"of {index}",
        "attributes": {"n": 1},
    }
    return LogLine(**(values | fields))  # type: ignore[arg-type]  # any of its fields


def told(story: Story, *lines: LogLine, limit: int = 100) -> Story:
    return with_logs(story, logs_of(lines, limit))


def test_records_are_at_their_steps_by_time(story: Story) -> None:
    found = told(story, line(story, 2, 1), line(story, 0, 2.5))
    assert [(log.step, log.body) for log in found.logs] == [(0, "of 0"), (2, "of 2")]
    assert found.logs[0].start_ms == pytest.approx(2.5)
    assert found.logs[1].start_ms == pytest.approx((story.steps[2].start_ms or 0) + 1, abs=0.01)
    assert found.logs[0].attributes == {"n": 1}
    assert (found.logs_left_out, found.logs_truncated) == (0, False)


def test_records_of_spans_outside_of_the_story_are_left_out_and_counted(story: Story) -> None:
    found = told(story, line(story, 1), line(story, 1, span_id="f" * 16), line(story, 1, span_id="e" * 16))
    assert [log.step for log in found.logs] == [1]
    assert found.logs_left_out == 2


def test_a_record_without_a_span_belongs_to_the_story(story: Story) -> None:
    [log] = told(story, line(story, None, 3)).logs
    assert (log.step, log.span_id) == (None, None)
    assert log.start_ms == pytest.approx(3)


def test_clocks_are_corrected_as_for_the_step(story: Story) -> None:
    step = story.steps[2]
    skewed = story.model_copy(update={"clock_skew_ms": {step.service: 500.0, story.steps[0].service: 20.0}})
    late = step.model_copy(update={"time": step.time + timedelta(milliseconds=500)})
    skewed = skewed.model_copy(update={"steps": [*story.steps[:2], late, *story.steps[3:]]})
    of_step, of_trace = told(skewed, line(skewed, 2, 1)), told(skewed, line(skewed, None, 25))
    assert of_step.logs[0].start_ms == pytest.approx((step.start_ms or 0) + 1, abs=0.01)
    assert of_trace.logs[0].start_ms == pytest.approx(5)


def test_more_records_than_the_limit_are_said_to_exist(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(story, line(story, 0), line(story, 1), limit=1)
    assert (len(found.logs), found.logs_truncated) == (1, True)
    monkeypatch.setattr(logs, "MOST_TRACES", 0)
    assert told(story, line(story, 0)).logs_truncated


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "unspecified"), (1, "trace"), (8, "debug"), (9, "info"), (16, "warn"), (17, "error"), (24, "fatal")],
)
def test_severities_have_the_names_of_their_numbers(number: int, name: str) -> None:
    assert severity_name(number) == name
    assert severity_name(25) == "unspecified"
