from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from laban_dashboard import words

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calls", "seconds", "told"),
    [(900, 300, "3.0/s"), (12_000, 60, "200/s"), (30, 60, "30/min"), (5, 3600, "5/h"), (7, 0, "7")],
)
def test_a_rate_is_told_in_the_unit_in_which_it_is_at_least_one(
    calls: int, seconds: float, told: str
) -> None:
    assert words.rate(calls, seconds) == told


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(0, 10, "0 %"), (1, 3, "33 %"), (1, 100, "1.0 %"), (1, 100_000, "< 0.1 %"), (0, 0, "0 %")],
)
def test_a_share_is_never_rounded_to_nothing(part: int, whole: int, told: str) -> None:
    assert words.share(part, whole) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "just now"), (12, "12 s ago"), (180, "3 min ago"), (7200, "2 h ago"), (86400 * 9, "9 days ago")],
)
def test_how_long_ago_is_told_in_one_unit(seconds: int, told: str) -> None:
    assert words.ago(NOON - timedelta(seconds=seconds), NOON) == told


def test_a_window_within_a_day_needs_no_date_and_one_over_midnight_does() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert words.span_of_time(NOON, NOON + timedelta(minutes=5), tokyo) == "21:00:00 – 21:05:00"
    assert words.span_of_time(NOON, NOON + timedelta(hours=5), tokyo) == "23 Nov 21:00 – 24 Nov 02:00"


def test_text_from_the_data_cannot_become_markup() -> None:
    image = words.plain("![x](http://stranger/x.png) **bold** :red[alarm] $x$ <b>\nnext line")
    assert "![" not in image
    assert "**" not in image
    assert ":red[" not in image
    assert "<b>" not in image
    assert "\n" not in image


def test_what_was_not_measured_is_a_dash() -> None:
    assert words.duration(None) == words.UNKNOWN
    assert words.duration(84) == "84 ms"
