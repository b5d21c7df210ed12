from datetime import UTC, timedelta
from typing import Any, cast, get_args

import pytest

from laban_dashboard.presentation.order_timeline import is_final, message_rows, parse_query, timeline_data
from laban_dashboard.presentation.status_labels import OUTCOME_COLOURS, OUTCOME_ICONS
from laban_mapper.model import Outcome
from tests.dashboard.shop_answers import END, shop_message, shop_story


def steps(value: str) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", timeline_data(shop_story(value), UTC)["steps"])


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("1001", ("order", "1001")),
        (" 1001 ", ("order", "1001")),
        ("customer = 42", ("customer", "42")),
        ("=42", ("order", "=42")),
        ("a=b=c", ("a", "b=c")),
    ],
)
def test_a_query_is_an_order_unless_it_names_a_key(typed: str, parsed: tuple[str, str]) -> None:
    assert parse_query(typed) == parsed


def test_every_step_becomes_a_bar_on_the_axis() -> None:
    data = steps("1001")
    assert len(data) == len(shop_story("1001").steps)
    assert all(0 <= step["start"] <= step["end"] <= 1 for step in data)


def test_time_in_the_queue_precedes_the_bar() -> None:
    payment = next(step for step in steps("1001") if step["operation"] == "process orders")
    assert payment["queued"] < payment["start"]
    assert payment["wait"] == "61 ms"


def test_only_failed_steps_have_an_error() -> None:
    assert [step["error"] for step in steps("1002") if step["error"]] == ["HTTP 503"]
    assert not any(step["error"] for step in steps("1001"))


def test_the_details_of_a_step_have_every_field_with_a_value() -> None:
    consumer = next(step for step in steps("1001") if step["operation"] == "process orders")
    fields = dict(consumer["fields"])
    assert fields["Message"] == "orders · partition 0 · offset 861"
    assert fields["Consumer group"] == "payment"
    assert fields["Start"] == "11:59:00.140 (+140 ms)"
    assert "Error" not in fields


def test_a_step_with_a_clock_that_is_behind_starts_at_zero() -> None:
    story = shop_story("1001")
    early = story.steps[1].model_copy(update={"time": story.started - timedelta(seconds=3)})
    data = timeline_data(story.model_copy(update={"steps": [story.steps[0], early]}), UTC)
    assert cast("list[dict[str, Any]]", data["steps"])[1]["start"] == 0.0


def test_groups_that_have_not_read_a_message_come_first() -> None:
    rows = message_rows([shop_message()], UTC)
    assert [row["Consumer group"] for row in rows] == ["email", "analytics", "payment"]
    assert rows[0]["Details"] == "waiting behind 42 messages, about 12\\.0 s"


def test_a_message_of_a_topic_without_consumer_groups_has_a_row() -> None:
    (row,) = message_rows([shop_message().model_copy(update={"groups": []})], UTC)
    assert row["Details"] == "no known consumer group reads this topic"


def test_a_story_is_final_two_minutes_after_its_end_unless_it_waits() -> None:
    assert is_final(shop_story("1002"), END + timedelta(hours=1))
    assert not is_final(shop_story("1002"), END - timedelta(seconds=50))
    assert not is_final(shop_story("1001"), END + timedelta(hours=1))


def test_bars_start_by_corrected_clocks() -> None:
    story = shop_story("1001")
    late = story.steps[1].model_copy(update={"start_ms": 40.0})
    data = timeline_data(story.model_copy(update={"steps": [story.steps[0], late]}), UTC)
    [_, bar] = cast("list[dict[str, Any]]", data["steps"])
    assert ("Start", "11:59:00.003 (+40 ms)") in bar["fields"]


def test_of_many_steps_equal_ones_share_a_row() -> None:
    story = shop_story("1001")
    head = story.steps[0]
    query = head.model_copy(update={"operation": "SELECT", "kind": "client", "cause": 0})
    data = timeline_data(story.model_copy(update={"steps": [head, *[query] * 900]}), UTC)
    rows = cast("list[dict[str, Any]]", data["steps"])
    assert [row["operation"] for row in rows] == ["POST /orders", "SELECT × 900"]


def test_a_success_with_errors_is_final() -> None:
    story = shop_story("1001").model_copy(update={"outcome": "ok_with_errors"})
    assert is_final(story, END + timedelta(minutes=5))


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_outcome_has_a_colour_and_an_icon(outcome: str) -> None:
    assert outcome in OUTCOME_COLOURS
    assert outcome in OUTCOME_ICONS
