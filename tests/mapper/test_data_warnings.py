import pytest

from laban_collector.store.rows import DatedSpans
from laban_mapper.data_warnings import data_warnings, odd_times

SECOND = 10**9
NOW = 1_795_000_000 * SECOND
HOUR = 3600 * SECOND
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("dated", "sentence"),
    [
        (
            DatedSpans(12, NOW // 10**6, NOW // 10**6 + 9),
            "12 spans are dated 1970: milliseconds sent as nanoseconds?",
        ),
        (
            DatedSpans(1, NOW // 10**3, NOW // 10**3),
            "1 span is dated 1970: microseconds sent as nanoseconds?",
        ),
        (DatedSpans(2, NOW // 10**9, NOW // 10**9), "2 spans are dated 1970: seconds sent as nanoseconds?"),
        (DatedSpans(3, 0, 0), "3 spans have no start time"),
        (DatedSpans(1, 0, 0), "1 span has no start time"),
        (DatedSpans(2, 400 * DAY, 900 * DAY), "2 spans are dated 1971 to 1972, before the year 2000"),
        (
            DatedSpans(1, NOW + 2 * HOUR, NOW + 2 * HOUR),
            "1 span is dated 2026-11-18, 2 hours ahead of this clock",
        ),
        (
            DatedSpans(1, NOW + 365 * DAY, NOW + 365 * DAY),
            "1 span is dated 2027-11-18, a year ahead of this clock",
        ),
        (
            DatedSpans(1000, NOW + 30 * DAY, NOW + 60 * DAY),
            "1,000 spans are dated 2026-12-18 to 2027-01-17, up to 60 days ahead of this clock",
        ),
        (DatedSpans(1, 2**63 - 3, 2**63 - 3), "1 span is dated 2262-04-11, 235 years ahead of this clock"),
    ],
)
def test_an_impossible_date_is_said_with_its_likely_reason(dated: DatedSpans, sentence: str) -> None:
    assert data_warnings(0, [dated], NOW) == [sentence]


def test_groups_with_the_same_reason_are_one_sentence() -> None:
    groups = [DatedSpans(1, 5 * DAY, 5 * DAY), DatedSpans(1, 120 * DAY, 120 * DAY)]
    assert data_warnings(0, groups, NOW) == ["2 spans are dated 1970, before the year 2000"]


def test_a_missing_service_name_is_said() -> None:
    [warning] = data_warnings(2, [], NOW)
    assert warning.startswith(
        "2 spans have no service.name and are shown as unknown_service: set OTEL_SERVICE_NAME"
    )


def test_nothing_odd_gives_no_warning() -> None:
    assert data_warnings(0, [], NOW) == []


def test_odd_times_say_whether_they_are_ahead() -> None:
    found = odd_times([DatedSpans(1, 0, 0), DatedSpans(2, NOW + DAY, NOW + 2 * DAY)], NOW)
    assert [(one.spans, one.ahead, one.first.year) for one in found] == [(1, False, 1970), (2, True, 2026)]
