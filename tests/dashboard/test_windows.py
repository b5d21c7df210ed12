from datetime import timedelta

from laban_dashboard.windows import ALL, CUSTOM, Choice, window_of
from tests.dashboard.shop import BEGIN, END, ShopAnswers

STATUS = ShopAnswers().status()


def test_the_last_minutes_count_back_from_the_newest_span() -> None:
    window = window_of(Choice("5 min"), STATUS)
    assert window is not None
    assert window.until > END
    assert window.seconds == 300


def test_a_window_never_begins_before_the_first_span() -> None:
    window = window_of(Choice("1 h"), STATUS)
    assert window is not None
    assert window.since == BEGIN


def test_all_reaches_from_the_first_to_the_newest_span_inclusive() -> None:
    window = window_of(Choice(ALL), STATUS)
    assert window is not None
    assert (window.since, window.until > END) == (BEGIN, True)


def test_a_custom_window_is_taken_as_it_is() -> None:
    since, until = END - timedelta(minutes=3), END - timedelta(minutes=2)
    window = window_of(Choice(CUSTOM, since, until), STATUS)
    assert window is not None
    assert (window.since, window.until) == (since, until)


def test_an_empty_store_has_no_window() -> None:
    assert window_of(Choice(ALL), ShopAnswers(spans=0).status()) is None
