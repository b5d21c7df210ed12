"""The time range that a user selects, and the time window that results from it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from laban_mapper.model import Status

ALL = "All"
CUSTOM = "Custom"
LENGTHS = {"5 min": timedelta(minutes=5), "15 min": timedelta(minutes=15), "1 h": timedelta(hours=1)}
CHOICES = [*LENGTHS, ALL, CUSTOM]
DEFAULT = "15 min"

_RECENT = timedelta(hours=1)
_JUST_AFTER = timedelta(microseconds=1)
_LONG = timedelta(minutes=14)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The selected range: one of CHOICES, and for CUSTOM its start and end."""

    name: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A half-open window, [since, until), with time zones.

    Attributes:
        since: the begin.
        until: the end.
        live: whether it ends now.
    """

    since: datetime
    until: datetime
    live: bool = False

    @property
    def asked(self) -> tuple[datetime, datetime | None]:
        """The time range to ask for: that of a live window has no end, so that it stays the same."""
        return self.since, None if self.live else self.until

    @property
    def seconds(self) -> float:
        """The length of the window in seconds."""
        return (self.until - self.since).total_seconds()


def steady(window: TimeWindow) -> TimeWindow:
    """Widen a window to whole minutes, a long one to five, for answers that are expensive."""
    step = timedelta(minutes=5 if window.seconds >= _LONG.total_seconds() else 1)
    begin = window.since - (window.since - _EPOCH) % step
    return TimeWindow(begin, window.until + (_EPOCH - window.until) % step)


def resolve_window(selected: TimeRange, status: Status, now: datetime) -> TimeWindow | None:
    """Apply the selected range to the stored spans; None if the store is empty.

    Relative ranges end now, and begin with a whole minute, so that what is asked stays the same. An old
    recording ends at its newest span, so that it looks the same as a live system. They never start before the
    first span, because rates would then be too low.
    """
    if status.first is None or status.last is None:
        return None
    until = status.last + _JUST_AFTER
    if selected.name == CUSTOM and selected.since and selected.until and selected.since < selected.until:
        return TimeWindow(selected.since, selected.until)
    if selected.name not in LENGTHS:
        return TimeWindow(status.first, until, live=now - _RECENT <= status.last)
    length = LENGTHS[selected.name]
    if now - length <= status.last:
        begin = (now - length).replace(second=0, microsecond=0)
        return TimeWindow(max(begin, status.first), max(now, until), live=True)
    return TimeWindow(max(until - length, status.first), until)
