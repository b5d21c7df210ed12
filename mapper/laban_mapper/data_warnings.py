"""Warnings about the data: spans with an impossible date, and spans without the name of their service."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from laban.vocabulary import SERVICE_NAME, UNKNOWN_SERVICE
from laban_collector.store.rows import DatedSpans, plausible_starts
from laban_mapper.model import OddTimes
from laban_mapper.times import utc_time

_UNITS: Final = ((10**3, "microseconds"), (10**6, "milliseconds"), (10**9, "seconds"))
"""The ns in a unit, and its name."""
_HOUR: Final = 3600 * 10**9
_DAY: Final = 24 * _HOUR
_HOURS: Final = 48
_DAYS: Final = 330
_YEAR: Final = 365.25


def data_warnings(unnamed: int, outside: Sequence[DatedSpans], now: int) -> list[str]:
    """The warnings, one sentence each.

    Args:
        unnamed: the number of spans without `service.name`.
        outside: the spans that do not start in `plausible_starts(now)`.
        now: ns since the epoch.
    """
    counts: Counter[str] = Counter()
    for dated in outside:
        counts[_date(dated, now)] += dated.spans
    return [_sentence(count, date) for date, count in counts.items()] + list(_without_name(unnamed))


def odd_times(outside: Sequence[DatedSpans], now: int) -> list[OddTimes]:
    """The spans with impossible dates, as in an answer."""
    return [
        OddTimes(
            spans=dated.spans,
            first=utc_time(dated.first),
            last=utc_time(dated.last),
            ahead=dated.first > now,
        )
        for dated in outside
    ]


def _sentence(count: int, date: str) -> str:
    be, have = ("is", "has") if count == 1 else ("are", "have")
    return f"{_spans(count)} {be} dated {date}" if date else f"{_spans(count)} {have} no start time"


def _date(dated: DatedSpans, now: int) -> str:
    """When spans are dated, and why that may be; empty if they have no time at all."""
    since, until = plausible_starts(now)
    if dated.first >= until:
        days = _range(dated, "%Y-%m-%d")
        up_to = "up to " if dated.first < dated.last else ""
        return f"{days}, {up_to}{_distance(dated.last - now)} ahead of this clock"
    if dated.last == 0:
        return ""
    years = _range(dated, "%Y")
    for factor, unit in _UNITS:
        if since <= dated.first * factor and dated.last * factor < until:
            return f"{years}: {unit} sent as nanoseconds?"
    return f"{years}, before the year 2000"


def _range(dated: DatedSpans, form: str) -> str:
    first, last = (f"{utc_time(ns):{form}}" for ns in (dated.first, dated.last))
    return first if first == last else f"{first} to {last}"


def _distance(ns: int) -> str:
    """A time span in words: `5 hours`, `30 days`, `a year`, `3 years`."""
    hours, days, years = round(ns / _HOUR), round(ns / _DAY), round(ns / _DAY / _YEAR)
    if hours < _HOURS:
        return "an hour" if hours == 1 else f"{hours} hours"
    if days < _DAYS:
        return f"{days} days"
    return "a year" if years == 1 else f"{years} years"


def _without_name(unnamed: int) -> Iterator[str]:
    if unnamed:
        have, be = ("has", "is") if unnamed == 1 else ("have", "are")
        yield (
            f"{_spans(unnamed)} {have} no {SERVICE_NAME} and {be} shown as {UNKNOWN_SERVICE}: "
            "set OTEL_SERVICE_NAME in the sending program"
        )


def _spans(count: int) -> str:
    return "1 span" if count == 1 else f"{count:,} spans"
