"""What can go wrong while answering.

MapperError
├── UnknownValue      no trace carries this business key
├── NoAnswerer        neither a running collector nor a readable database was found
├── AnswerRefused     the collector that was asked refused, or failed
├── BadWindow         since and until that make no window
└── RenderFailed      a diagram could not be drawn
"""


class MapperError(Exception):
    """Base of all errors of the mapper; its text says what, where and what to do."""


class UnknownValue(MapperError):
    """No trace carries this business key.

    Attributes:
        key: the key that was asked for, `order`.
        value: the value that was asked for.
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


class NoAnswerer(MapperError):
    """Neither a running collector nor a readable database was found."""


class AnswerRefused(MapperError):
    """The collector that was asked refused, or failed."""


class BadWindow(MapperError):
    """since and until that make no window of time."""


class RenderFailed(MapperError):
    """A diagram could not be drawn."""
