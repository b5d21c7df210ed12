from datetime import UTC, datetime, timedelta, timezone

import pytest

from laban_mapper.errors import InvalidTimeRange
from laban_mapper.times import format_duration, nanoseconds, parse_time, utc_time

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("1.5h", NOW - timedelta(minutes=90)),
        ("7d", NOW - timedelta(days=7)),
        ("now", NOW),
        ("2026-11-23T09:30:00Z", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
        ("2026-11-23T09:30:00+02:00", datetime(2026, 11, 23, 9, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_a_time_is_parsed_from_the_usual_forms(text: str, expected: datetime) -> None:
    assert parse_time(text, NOW) == expected


def test_an_invalid_time_is_refused_with_the_accepted_forms() -> None:
    with pytest.raises(InvalidTimeRange, match=r"'yesterday' is not a time.*15m.*ISO 8601"):
        parse_time("yesterday", NOW)


@pytest.mark.parametrize(
    "text", ["999999999w", "1e9d", "9" * 40 + "s", "0001-01-01", "1969-12-31", "9999-12-31"]
)
def test_a_time_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimeRange):
        parse_time(text, NOW)


def test_nanoseconds_convert_to_a_time_and_back_to_the_microsecond() -> None:
    ns = 1_790_000_000_123_456_789
    assert nanoseconds(utc_time(ns)) == ns // 1000 * 1000


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.42, "0.4 ms"),
        (84.4, "84 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (2040, "2.0 s"),
        (60_000, "1 min"),
        (200_000, "3 min 20 s"),
        (7_500_000, "2 h 5 min"),
        (86_400_000 * 3, "3 days"),
    ],
)
def test_a_duration_is_formatted_with_few_digits(ms: float, text: str) -> None:
    assert format_duration(ms) == text
