"""The errors of answering questions.

AppError
├── UnknownValue          no trace carries this business key value
├── CollectorUnreachable  there is neither a running collector nor a readable database
├── RequestRefused        the collector refused a request, or failed
├── NothingToDraw         a diagram of a time range without calls
└── OutputFailed          a file cannot be written
"""


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


class CollectorUnreachable(AppError):
    """There is neither a running collector nor a readable database."""


class RequestRefused(AppError):
    """The collector refused a request, or failed."""


class NothingToDraw(AppError):
    """A diagram was requested of a time range without calls."""


class OutputFailed(AppError):
    """A file cannot be written."""
