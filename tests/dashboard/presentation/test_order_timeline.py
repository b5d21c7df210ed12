from datetime import UTC, timedelta
from typing import Any, cast, get_args

import pytest

from laban_dashboard.presentation.order_messages import message_table_data
from laban_dashboard.presentation.order_sequence import sequence_data
from laban_dashboard.presentation.order_timeline import (
    folds_anything,
    is_final,
    parse_query,
    timeline_data,
)
from laban_dashboard.presentation.status_labels import OUTCOME_COLOURS, OUTCOME_ICONS
from laban_mapper.model import LogSeverity, Outcome, Story, StoryLog
from tests.dashboard.shop_answers import END, shop_message, shop_story


def timeline(story: Story, *, fold: bool = True) -> dict[str, Any]:
    return cast("dict[str, Any]", timeline_data(story, UTC, fold=fold))


def steps(value: str, *, fold: bool = False) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", timeline(shop_story(value), fold=fold)["steps"])


def process_of(service: str) -> dict[str, Any]:
    found = [step for step in steps("1001") if step["operation"] == "process orders"]
    return next(step for step in found if step["service"] == service)


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


def test_time_in_the_queue_precedes_the_bar_and_what_is_usual_is_marked() -> None:
    payment = process_of("payment")
    assert payment["queued"] < payment["usual_wait"] < payment["start"] < payment["usual"] < payment["end"]
    fields = dict(payment["fields"])
    assert fields["Time in queue"] == "61 ms, usually 20 ms (380 traces)"
    assert fields["Duration"] == "150 ms, usually 40 ms (380 traces)"


def test_both_sides_of_a_call_share_a_row_unless_every_step_is_wanted() -> None:
    folded = steps("1001", fold=True)
    assert [step["operation"] for step in folded].count("user.Users/Get") == 1
    call = next(step for step in folded if step["operation"] == "user.Users/Get")
    assert call["service"] == "user"
    assert call["call"][0] < call["start"] < call["end"] < call["call"][1]
    assert folds_anything(shop_story("1001"))


def test_each_service_has_a_lane_and_its_bars_lead_to_their_rows() -> None:
    data = timeline(shop_story("1001"))
    assert [lane["service"] for lane in data["lanes"]] == [
        "order",
        "user",
        "inventory",
        "pricing",
        "payment",
        "analytics",
    ]
    bars = [bar for lane in data["lanes"] for bar in lane["bars"]]
    assert sorted(bar["id"] for bar in bars) == sorted(step["id"] for step in data["steps"])
    [payment] = [lane for lane in data["lanes"] if lane["service"] == "payment"]
    assert (payment["rows"], [bar["row"] for bar in payment["bars"]]) == (2, [0, 1])


def test_the_deepest_error_is_open_at_first() -> None:
    data = timeline(shop_story("1002"))
    [opened] = data["opened"]
    row = next(step for step in data["steps"] if step["id"] == opened)
    assert row["error"] == "HTTP 503"
    assert timeline(shop_story("1001"))["opened"] == []


def test_names_of_steps_cannot_reverse_what_is_around_them() -> None:
    story = shop_story("1001")
    step = story.steps[0].model_copy(update={"service": "a\u202eb", "operation": "GET \x1b[2J"})
    [row] = timeline(story.model_copy(update={"steps": [step]}))["steps"]
    assert (row["service"], row["operation"]) == ("a\\u202eb", "GET \\x1b[2J")
    assert "\u202e" not in str(row)


def test_the_sequence_has_its_participants_and_what_happens_between_them() -> None:
    data = cast("dict[str, Any]", sequence_data(shop_story("1002")))
    names = [one["name"] for one in data["participants"]]
    assert names[:2] == ["caller", "order"]
    events = [(one["kind"], names[one["from"]], names[one["to"]], one["failing"]) for one in data["events"]]
    assert ("call", "order", "user", False) in events
    assert ("message", "order", "orders", False) in events
    assert ("message", "orders", "payment", False) in events
    assert ("call", "payment", "payment", True) in events


def test_only_failed_steps_have_an_error() -> None:
    assert [step["error"] for step in steps("1002") if step["error"]] == ["HTTP 503"]
    assert not any(step["error"] for step in steps("1001"))


def test_the_details_of_a_step_have_every_field_with_a_value() -> None:
    fields = dict(process_of("payment")["fields"])
    assert fields["Message"] == "orders · partition 0 · offset 861"
    assert fields["Consumer group"] == "payment"
    assert fields["Start"] == "11:59:00.140 (11:59:00.140 UTC), +140 ms"
    assert "Error" not in fields


def test_a_step_with_a_clock_that_is_behind_starts_at_zero() -> None:
    story = shop_story("1001")
    early = story.steps[1].model_copy(update={"time": story.started - timedelta(seconds=3)})
    data = timeline(story.model_copy(update={"steps": [story.steps[0], early]}))
    assert data["steps"][1]["start"] == 0.0


def test_groups_that_have_not_read_a_message_come_first() -> None:
    data: Any = message_table_data([shop_message()], UTC)
    assert [row["group"] for row in data["rows"]] == ["email", "analytics", "payment"]
    first = data["rows"][0]
    assert first["details"] == "waiting behind 42 messages, about 12.0\N{NO-BREAK SPACE}s"
    assert (first["tone"], first["state"], data["more"]) == ("waiting", "waiting", "")
    assert first["published_title"].endswith(" UTC")


def test_of_very_many_messages_the_first_rows_are_shown() -> None:
    data: Any = message_table_data([shop_message()] * 100, UTC)
    assert (len(data["rows"]), data["more"]) == (200, "… and 100 more rows: see the downloads.")


def test_a_message_of_a_topic_without_consumer_groups_has_a_row() -> None:
    data: Any = message_table_data([shop_message().model_copy(update={"groups": []})], UTC)
    assert [row["details"] for row in data["rows"]] == ["no known consumer group reads this topic"]


def test_a_story_is_final_two_minutes_after_its_end_unless_it_waits() -> None:
    assert is_final(shop_story("1002"), END + timedelta(hours=1))
    assert not is_final(shop_story("1002"), END - timedelta(seconds=50))
    assert not is_final(shop_story("1001"), END + timedelta(hours=1))


def test_bars_start_by_corrected_clocks() -> None:
    story = shop_story("1001")
    late = story.steps[1].model_copy(update={"start_ms": 40.0})
    [_, bar] = timeline(story.model_copy(update={"steps": [story.steps[0], late]}))["steps"]
    assert ("Start", "11:59:00.003 (11:59:00.003 UTC), +40 ms") in bar["fields"]


def test_of_many_steps_equal_ones_share_a_row() -> None:
    story = shop_story("1001")
    head = story.steps[0]
    query = head.model_copy(update={"operation": "SELECT", "kind": "client", "cause": 0})
    rows = timeline(story.model_copy(update={"steps": [head, *[query] * 900]}))["steps"]
    assert [row["operation"] for row in rows] == ["POST /orders", "SELECT × 900"]


def test_a_success_with_errors_is_final() -> None:
    story = shop_story("1001").model_copy(update={"outcome": "ok_with_errors"})
    assert is_final(story, END + timedelta(minutes=5))


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_outcome_has_a_colour_and_an_icon(outcome: str) -> None:
    assert outcome in OUTCOME_COLOURS
    assert outcome in OUTCOME_ICONS


def log(text: str, severity: LogSeverity = "info", step: int | None = 0, at_ms: float = 1.0) -> StoryLog:
    return StoryLog(
        time=END,
        time_ns=0,
        severity=severity,
        service="order",
        body=text,
        trace_id="1" * 32,
        start_ms=at_ms,
        step=step,
    )


def test_log_records_are_marked_at_their_step_and_of_too_many_the_worst_are_shown() -> None:
    story = shop_story("1001")
    logs = [log("declined", "error", at_ms=2), *(log(f"line {number}") for number in range(24))]
    logs += [log("of no step", step=None), log("\u202egnp", "warn", step=1, at_ms=3)]
    found = story.model_copy(update={"logs": logs, "logs_left_out": 2})
    data = timeline(found, fold=False)
    first, second = data["steps"][:2]
    assert (len(first["logs"]), first["more_logs"]) == (20, "… and 5 more log records")
    worst = next(one for one in first["logs"] if one["tone"] == "bad")
    assert (worst["level"], worst["when"], worst["text"]) == ("ERROR", "+2.0 ms", "declined")
    assert worst["time"].endswith(" UTC)")
    assert 0 < worst["at"] < 1
    assert [(one["tone"], one["text"]) for one in second["logs"]] == [("warn", "\\u202egnp")]
    assert [one["text"] for one in data["other_logs"]] == ["of no step"]
    assert data["logs_left_out"] == (
        "5 log records of the story, 2 log records of the same traces, of spans that are no steps here"
    )
    lane = next(lane for lane in data["lanes"] if lane["service"] == "order")
    assert lane["bars"][0]["logs"] == first["logs"]
    plain = timeline(story)
    assert not any(step["logs"] for step in plain["steps"])
    assert (plain["other_logs"], plain["logs_left_out"]) == ([], "")
