"""The errors of answering questions.

AppError
├── UnknownValue          no trace carries this business key value
├── NotInRange            traces carry it, but none of their spans lie in the requested time range
├── UnknownTrace          no span of this trace is stored
├── CollectorUnreachable  there is neither a running collector nor a readable database
├── RequestRefused        the collector refused a request, or failed
├── NothingToDraw         a diagram of a time range without calls
└── OutputFailed          a file cannot be written
"""

from datetime import datetime


class AppError(Exception):
    """Base of all errors of this package; the text says what is wrong, where, and what to do."""


class UnknownValue(AppError):
    """No trace carries this business key value.

    Attributes:
        key: the business key, or its beginning: `order` for `order.id`.
        value: the unknown value.
        nearest: known values that resemble it, the nearest first.
    """

    def __init__(self, key: str, value: str, nearest: list[str]) -> None:
        self.key = key
        self.value = value
        self.nearest = nearest
        if nearest:
            hint = f"The nearest known: {', '.join(nearest)}."
        else:
            hint = f"No {key} has been seen at all: is the collector receiving spans (laban status)?"
        super().__init__(f"No trace carries {key} {value}. {hint}")


class NotInRange(AppError):
    """Traces carry this business key value, but none of their spans lie in the requested time range.

    Attributes:
        key: the business key.
        value: its value.
        first: start of the first span that carries it.
        last: start of the last span that carries it.
    """

    def __init__(self, key: str, value: str, first: datetime, last: datetime) -> None:
        self.key = key
        self.value = value
        self.first = first
        self.last = last
        super().__init__(
            f"No span of {key} {value} lies in this time range: it was seen between {first:%F %T} and "
            f"{last:%F %T} UTC. Widen the time range, or leave it out."
        )


class UnknownTrace(AppError):
    """No span of this trace is stored."""

    def __init__(self, trace_id: str) -> None:
        super().__init__(
            f"No span of trace {trace_id} is stored. It may be too old, sampled out, or not sent yet; "
            "`laban status` shows the stored time range."
        )


class CollectorUnreachable(AppError):
    """There is neither a running collector nor a readable database."""


class RequestRefused(AppError):
    """The collector refused a request, or failed."""


class NothingToDraw(AppError):
    """A diagram was requested of a time range without calls."""


class OutputFailed(AppError):
    """A file cannot be written."""
