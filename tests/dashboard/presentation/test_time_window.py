from datetime import timedelta

from laban_dashboard.presentation.time_window import ALL, CUSTOM, TimeRange, resolve_window
from tests.dashboard.shop_answers import BEGIN, END, ShopAnswers

STATUS = ShopAnswers().status()


def test_a_relative_range_ends_at_the_newest_span() -> None:
    window = resolve_window(TimeRange("5 min"), STATUS)
    assert window is not None
    assert window.until > END
    assert window.seconds == 300


def test_a_window_never_starts_before_the_first_span() -> None:
    window = resolve_window(TimeRange("1 h"), STATUS)
    assert window is not None
    assert window.since == BEGIN


def test_all_covers_the_first_to_the_newest_span_inclusive() -> None:
    window = resolve_window(TimeRange(ALL), STATUS)
    assert window is not None
    assert (window.since, window.until > END) == (BEGIN, True)


def test_a_custom_range_is_used_unchanged() -> None:
    since, until = END - timedelta(minutes=3), END - timedelta(minutes=2)
    window = resolve_window(TimeRange(CUSTOM, since, until), STATUS)
    assert window is not None
    assert (window.since, window.until) == (since, until)


def test_an_empty_store_has_no_window() -> None:
    assert resolve_window(TimeRange(ALL), ShopAnswers(spans=0).status()) is None
