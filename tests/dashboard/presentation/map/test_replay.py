from datetime import UTC, datetime, timedelta

from laban_dashboard.presentation.map.replay import (
    at_moment,
    lag_then,
    positions,
    replayed_window,
    unknown_then,
)
from laban_dashboard.presentation.time_window import TimeWindow
from laban_mapper.model import LagPoint, LagStatus
from tests.dashboard.shop_answers import edge, graph_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def point(minute: int, messages: int | None, partition: int = 0, status: LagStatus | None = "OK") -> LagPoint:
    return LagPoint(
        time=NOON + minute * MINUTE,
        group="email",
        topic="orders",
        partition=partition,
        messages=messages,
        seconds=None,
        status=status,
    )


def test_a_window_is_replayed_in_whole_minutes_and_a_short_or_a_long_one_as_an_hour() -> None:
    window = TimeWindow(NOON - 90 * MINUTE + timedelta(seconds=9), NOON + timedelta(seconds=1))
    assert replayed_window(window) == TimeWindow(NOON - 90 * MINUTE, NOON + MINUTE)
    short = replayed_window(TimeWindow(NOON - 5 * MINUTE, NOON))
    assert short == TimeWindow(NOON - 59 * MINUTE, NOON + MINUTE)
    live = replayed_window(TimeWindow(NOON - 90 * MINUTE, NOON + timedelta(seconds=59), live=True))
    assert live == TimeWindow(NOON - 90 * MINUTE, NOON)  # the minute that is not over is left out
    long = replayed_window(TimeWindow(NOON - timedelta(days=2), NOON))
    assert long == TimeWindow(NOON - 59 * MINUTE, NOON + MINUTE)


def test_the_pictures_are_a_minute_apart_and_end_with_the_window() -> None:
    found = positions(TimeWindow(NOON, NOON + 8 * MINUTE))
    assert found == [NOON + number * MINUTE for number in (5, 6, 7, 8)]


def test_a_picture_has_all_nodes_and_the_calls_and_the_lag_of_its_time() -> None:
    call, message = ("service:a", "service:b", "http"), ("topic:orders", "group:email", "kafka")
    whole = graph_of([edge(*call, 60), edge(*message, 9)])
    now = graph_of([edge(*call, 5)], NOON, NOON + 5 * MINUTE)
    stopped = point(4, 2, partition=1, status="STOP")
    lag = lag_then([point(1, 3, status="WARN"), point(4, 7), stopped, point(9, 100)], now.until)
    found = at_moment(whole, now, lag)
    assert {(one.target, one.calls) for one in found.edges} == {("service:b", 5), ("group:email", 0)}
    email = next(node for node in found.nodes if node.id == "group:email")
    assert (email.lag_messages, email.lag_status) == (9, "STOP")
    assert unknown_then(found, lag) == []


def test_a_group_without_a_poll_then_or_without_its_status_is_unknown() -> None:
    whole = graph_of([edge("topic:orders", "group:email", "kafka", 9)])
    nobody = lag_then([point(9, 3)], NOON + 5 * MINUTE)
    found = at_moment(whole, whole, nobody)
    email = next(node for node in found.nodes if node.id == "group:email")
    assert (nobody, email.lag_messages, email.lag_status) == ([], None, None)
    assert unknown_then(found, nobody) == ["email"]
    older = lag_then([point(1, 3, status=None)], NOON + 5 * MINUTE)
    assert [(group.status, group.messages) for group in older] == [(None, 3)]
    assert unknown_then(found, older) == ["email"]
