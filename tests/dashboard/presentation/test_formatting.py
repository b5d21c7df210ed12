from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from laban_dashboard.presentation import formatting

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calls", "seconds", "expected"),
    [(900, 300, "3.0/s"), (12_000, 60, "200/s"), (30, 60, "30/min"), (5, 3600, "5/h"), (7, 0, "7")],
)
def test_a_rate_uses_the_first_unit_in_which_it_is_at_least_one(
    calls: int, seconds: float, expected: str
) -> None:
    assert formatting.rate(calls, seconds) == expected


def test_a_sentence_begins_with_a_capital_letter_but_a_name_stays_as_it_was_sent() -> None:
    assert formatting.capitalized("when order fails", "order") == "When order fails"
    assert formatting.capitalized("order → orders: a cycle", "order", "") == "order → orders: a cycle"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("since 10:39 UTC, before", "since 16:09, before"),
        ("from 22:59:58 to 23:01:00 UTC", "from 04:29:58 to 04:31:00"),
        ("first seen at 2026-11-22 22:00 UTC", "first seen at 2026-11-23 03:30"),
        ("at 99:99 UTC, of 3 s", "at 99:99 UTC, of 3 s"),
    ],
)
def test_times_in_utc_in_a_sentence_are_told_in_the_time_zone_of_the_reader(text: str, expected: str) -> None:
    assert formatting.in_timezone(text, NOON, ZoneInfo("Asia/Kolkata")) == expected


def test_a_number_and_its_unit_stay_in_one_line() -> None:
    shown = formatting.unbroken("waits 1 min 33 s of 10 steps, 0.14 % of 12 spans")
    assert shown.replace("\N{NO-BREAK SPACE}", "_") == "waits 1_min 33_s of 10 steps, 0.14_% of 12 spans"


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 10, "0 %"), (1, 3, "33 %"), (1, 100, "1.0 %"), (1, 100_000, "< 0.1 %"), (0, 0, "0 %")],
)
def test_a_percentage_is_never_rounded_to_zero(part: int, whole: int, expected: str) -> None:
    assert formatting.percentage(part, whole) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "just now"), (12, "12 s ago"), (180, "3 min ago"), (7200, "2 h ago"), (86400 * 9, "9 days ago")],
)
def test_an_age_has_one_unit(seconds: int, expected: str) -> None:
    assert formatting.age(NOON - timedelta(seconds=seconds), NOON) == expected


@pytest.mark.parametrize(
    ("length", "today", "expected"),
    [
        (timedelta(minutes=5), NOON, "21:00:00 – 21:05:00"),
        (timedelta(minutes=5), NOON + timedelta(days=1), "23 Nov 21:00:00 – 21:05:00"),
        (timedelta(minutes=5), NOON + timedelta(days=90), f"23 Nov {NOON.year} 21:00:00 – 21:05:00"),
        (timedelta(hours=5), NOON, "23 Nov 21:00 – 24 Nov 02:00"),
    ],
)
def test_a_time_range_has_dates_unless_it_is_of_today(
    length: timedelta, today: datetime, expected: str
) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert formatting.time_range(NOON, NOON + length, tokyo, today.date()) == expected


def test_a_time_range_in_utc_has_the_date_once_or_both_dates() -> None:
    day = f"{NOON:%Y-%m-}"
    assert formatting.utc_range(NOON, NOON + timedelta(minutes=5)) == f"{day}23 12:00:00 – 12:05:00 UTC"
    assert (
        formatting.utc_range(NOON, NOON + timedelta(hours=13)) == f"{day}23 12:00:00 – {day}24 01:00:00 UTC"
    )


def test_text_from_the_data_cannot_become_markdown() -> None:
    image = formatting.escape_markdown("![x](http://stranger/x.png) **bold** :red[alarm] $x$ <b>\nnext line")
    assert "![" not in image
    assert "**" not in image
    assert ":red[" not in image
    assert "<b>" not in image
    assert "\n" not in image


def test_a_missing_duration_is_a_dash() -> None:
    assert formatting.duration(None) == formatting.NO_VALUE
    assert formatting.duration(84) == "84 ms"


@pytest.mark.parametrize("address", ["http://x.example", "HTTPS://x.example", "www.x.example", "a@x.example"])
def test_an_empty_element_in_an_address_keeps_markdown_from_making_a_link_of_it(address: str) -> None:
    shown = formatting.escape_markdown(f"see {address}").replace("\\", "")
    assert address not in shown
    assert shown.replace(":small[]", "") == f"see {address}"


def test_commands_in_a_text_of_laban_are_code_and_all_else_is_escaped() -> None:
    told = formatting.with_commands("[x] Is `laban serve` there? <b>")
    assert (
        told
        == f"{formatting.escape_markdown('[x] Is')} `laban serve` there? {formatting.escape_markdown('<b>')}"
    )
    assert formatting.with_commands("one ` alone") == formatting.escape_markdown("one ` alone")
