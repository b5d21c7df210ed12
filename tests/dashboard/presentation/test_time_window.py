from datetime import timedelta

from laban_dashboard.presentation.time_window import (
    ALL,
    CUSTOM,
    TimeRange,
    TimeWindow,
    resolve_window,
    steady,
)
from tests.dashboard.shop_answers import BEGIN, END, ShopAnswers

STATUS = ShopAnswers().status()
LATER = END + timedelta(days=1)


def test_a_relative_range_ends_now() -> None:
    now = END + timedelta(minutes=4)
    window = resolve_window(TimeRange("5 min"), STATUS, now)
    assert window is not None
    assert (window.since, window.until) == (now - timedelta(minutes=5), now)


def test_what_is_asked_of_a_live_range_stays_the_same_for_a_minute() -> None:
    asked: set[object] = set()
    for seconds in (0, 20, 59):
        window = resolve_window(TimeRange("5 min"), STATUS, END + timedelta(minutes=4, seconds=seconds))
        assert window is not None
        assert window.seconds == 300 + seconds
        asked.add(window.asked)
    assert asked == {(END - timedelta(minutes=1), None)}
    everything = resolve_window(TimeRange(ALL), STATUS, END + timedelta(minutes=4))
    assert everything is not None
    assert everything.asked == (BEGIN, None)


def test_an_old_range_is_asked_for_with_its_end() -> None:
    for selected in (TimeRange("5 min"), TimeRange(ALL), TimeRange(CUSTOM, BEGIN, END)):
        window = resolve_window(selected, STATUS, LATER)
        assert window is not None
        assert window.asked == (window.since, window.until)


def test_an_expensive_answer_is_of_a_window_that_stays_for_some_minutes() -> None:
    at = END + timedelta(minutes=2, seconds=7)
    found = steady(TimeWindow(at - timedelta(minutes=15), at))
    assert (found.since, found.until) == (END - timedelta(minutes=15), END + timedelta(minutes=5))
    assert steady(found) == found
    short = steady(TimeWindow(at - timedelta(minutes=5), at))
    assert (short.since, short.until) == (END - timedelta(minutes=3), END + timedelta(minutes=3))


def test_a_relative_range_of_an_old_recording_ends_at_its_newest_span() -> None:
    window = resolve_window(TimeRange("5 min"), STATUS, LATER)
    assert window is not None
    assert window.until > END
    assert window.seconds == 300


def test_a_window_never_starts_before_the_first_span() -> None:
    window = resolve_window(TimeRange("1 h"), STATUS, LATER)
    assert window is not None
    assert window.since == BEGIN


def test_all_covers_the_first_to_the_newest_span_inclusive() -> None:
    window = resolve_window(TimeRange(ALL), STATUS, LATER)
    assert window is not None
    assert (window.since, window.until > END) == (BEGIN, True)


def test_a_custom_range_is_used_unchanged() -> None:
    since, until = END - timedelta(minutes=3), END - timedelta(minutes=2)
    window = resolve_window(TimeRange(CUSTOM, since, until), STATUS, LATER)
    assert window is not None
    assert (window.since, window.until) == (since, until)


def test_an_empty_store_has_no_window() -> None:
    assert resolve_window(TimeRange(ALL), ShopAnswers(spans=0).status(), LATER) is None
