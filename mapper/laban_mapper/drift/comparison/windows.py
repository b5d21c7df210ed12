"""The time ranges that a comparison names: `2h..1h`, `yesterday`."""

from datetime import UTC, datetime, timedelta
from typing import Final

from laban_mapper.errors import InvalidTimeRange
from laban_mapper.times import parse_time

SEPARATOR: Final = ".."
FORMS: Final = "SINCE..UNTIL such as 2h..1h or 2026-11-28T10:00..2026-11-28T11:00, 2h.., today, yesterday"


def is_window(text: str) -> bool:
    """Whether a text can only be a time range."""
    return SEPARATOR in text or text in ("today", "yesterday")


def parse_window(text: str, now: datetime) -> tuple[datetime, datetime]:
    """The begin and the end of a time range. Days are those of UTC; without an end it ends now.

    Raises:
        InvalidTimeRange: it is none, or ends before it begins.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "today":
        return midnight, now
    if text == "yesterday":
        return midnight - timedelta(days=1), midnight
    first, separator, last = text.partition(SEPARATOR)
    if not first or not separator:
        raise InvalidTimeRange(f"'{text}' is not a time range: {FORMS}.")
    since, until = parse_time(first, now), parse_time(last or "now", now)
    if since >= until:
        raise InvalidTimeRange(f"The time range '{text}' ends before it begins.")
    return since, until
