from datetime import UTC, datetime, timedelta

from laban_dashboard.presentation.map.replay import at_moment, messages_behind, positions, replayed_window
from laban_dashboard.presentation.time_window import TimeWindow
from laban_mapper.model import LagHistory, LagPoint
from tests.dashboard.shop_answers import edge, graph_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def point(minute: int, messages: int | None, partition: int = 0) -> LagPoint:
    return LagPoint(
        time=NOON + minute * MINUTE,
        group="email",
        topic="orders",
        partition=partition,
        messages=messages,
        seconds=None,
    )


def test_a_window_is_replayed_in_whole_minutes_and_a_short_or_a_long_one_as_an_hour() -> None:
    window = TimeWindow(NOON - 90 * MINUTE + timedelta(seconds=9), NOON + timedelta(seconds=1))
    assert replayed_window(window) == TimeWindow(NOON - 90 * MINUTE, NOON + MINUTE)
    short = replayed_window(TimeWindow(NOON - 5 * MINUTE, NOON))
    assert short == TimeWindow(NOON - 59 * MINUTE, NOON + MINUTE)
    long = replayed_window(TimeWindow(NOON - timedelta(days=2), NOON))
    assert long == TimeWindow(NOON - 59 * MINUTE, NOON + MINUTE)


def test_the_pictures_are_a_minute_apart_and_end_with_the_window() -> None:
    found = positions(TimeWindow(NOON, NOON + 8 * MINUTE))
    assert found == [NOON + number * MINUTE for number in (5, 6, 7, 8)]


def test_a_picture_has_all_nodes_and_the_calls_and_the_lag_of_its_time() -> None:
    call, message = ("service:a", "service:b", "http"), ("topic:orders", "group:email", "kafka")
    whole = graph_of([edge(*call, 60), edge(*message, 9)])
    now = graph_of([edge(*call, 5)], NOON, NOON + 5 * MINUTE)
    lag = LagHistory(points=[point(1, 3), point(4, 7), point(4, 2, partition=1), point(9, 100)])
    found = at_moment(whole, now, lag)
    assert {(one.target, one.calls) for one in found.edges} == {("service:b", 5), ("group:email", 0)}
    email = next(node for node in found.nodes if node.id == "group:email")
    assert (email.lag_messages, email.lag_status) == (9, None)


def test_a_poll_that_could_not_be_read_does_not_count() -> None:
    assert messages_behind([point(1, 3), point(2, None)], NOON + 5 * MINUTE) == {"email": 3}
