"""The errors of answering questions.

AppError
├── UnknownValue          no trace carries this business key value
├── SeveralKeys           several keys have the value, and mean different orders
├── NotInRange            traces carry it, but none of their spans lie in the requested time range
├── UnknownTrace          no span of this trace is stored
├── CollectorUnreachable  there is neither a running collector nor a readable database
├── RequestRefused        the collector refused a request, or failed
│   ├── TokenRefused      it requires a token
│   └── OtherVersion      it is older or newer, and does not know the question
├── NothingToDraw         a diagram of a time range without calls
├── OutputFailed          a file cannot be written
└── InputUnreadable       a file cannot be read
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

_SHOWN_KEYS: Final = 5
"""The most keys that are named."""


class AppError(Exception):
    """Base of all errors of this package; the text says what is wrong, where, and what to do."""


class UnknownValue(AppError):
    """No trace carries this business key value.

    Attributes:
        key: the business key, or its beginning: `order` for `order.id`.
        value: the unknown value.
        nearest: known values that resemble it, the nearest first.
        keys: other business keys that have the value.
    """

    def __init__(self, key: str, value: str, nearest: list[str], keys: Sequence[str] = ()) -> None:
        self.key = key
        self.value = value
        self.nearest = nearest
        self.keys = list(keys)
        if keys:
            hint = f"It is a value of {asked_with(keys, value)}."
        elif nearest:
            hint = f"The nearest known: {', '.join(nearest)}."
        else:
            hint = f"No {key} has been seen at all: is the collector receiving spans (laban status)?"
        super().__init__(f"No trace carries {key} {value}. {hint}")


class SeveralKeys(AppError):
    """Several business keys that start with a key have this value, and mean different orders.

    Attributes:
        key: the first part of the keys.
        value: the value.
        keys: the business keys.
    """

    def __init__(self, key: str, value: str, keys: Sequence[str]) -> None:
        self.key = key
        self.value = value
        self.keys = list(keys)
        found = asked_with(keys, value)
        super().__init__(f"{key} {value} is a value of several keys: {found}. Ask for one of them.")


def asked_with(keys: Sequence[str], value: str) -> str:
    """The keys, and how to ask for the value of each."""
    told = [f"{key} (laban story {key}={value})" for key in keys[:_SHOWN_KEYS]]
    if len(keys) > _SHOWN_KEYS:
        told.append(f"{len(keys) - _SHOWN_KEYS} more keys")
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


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
    """No span of this trace is stored.

    Attributes:
        trace_id: 32 hex digits.
    """

    def __init__(self, trace_id: str) -> None:
        self.trace_id = trace_id
        super().__init__(
            f"No span of trace {trace_id} is stored. It may be too old, sampled out, or not sent yet; "
            "`laban status` shows the stored time range."
        )


class CollectorUnreachable(AppError):
    """There is neither a running collector nor a readable database."""


class RequestRefused(AppError):
    """The collector refused a request, or failed."""


class TokenRefused(RequestRefused):
    """The collector requires a token, and has not got the right one."""


class OtherVersion(RequestRefused):
    """The collector does not know the question, or answers in another form: it is older, or newer."""


class NothingToDraw(AppError):
    """A diagram was requested of a time range without calls."""


class OutputFailed(AppError):
    """A file cannot be written."""


class InputUnreadable(AppError):
    """A file cannot be read."""
