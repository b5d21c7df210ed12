"""Attributes cut to a size: how many, how long.

How deep values may be is no matter here: the decoders refuse what is nested more than some 45 levels.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from laban_collector.decode.attributes import Value

CUT: Final = "… [cut: "
"""What stands where a text was cut, before its length."""


class AttributeLimits(NamedTuple):
    """How much is kept.

    Attributes:
        attributes: of one span, event or link.
        length: characters of a text.
    """

    attributes: int
    length: int


class Bounded(NamedTuple):
    """Attributes within the limits.

    Attributes:
        attributes: the first ones, their values cut.
        dropped: how many there were more.
        cut: how many values are not whole.
    """

    attributes: dict[str, Value]
    dropped: int
    cut: int


def bounded(attributes: Mapping[str, Value], limits: AttributeLimits) -> Bounded:
    """Attributes as they may be stored; what is cut ends with a mark that says what was."""
    kept = {key: cut(value, limits.length) for key, value in list(attributes.items())[: limits.attributes]}
    changed = sum(value is not attributes[key] for key, value in kept.items())
    return Bounded(kept, len(attributes) - len(kept), changed)


def cut(value: Value, length: int) -> Value:
    """A value without texts that are longer; the value itself, not a copy, when it has none."""
    match value:
        case str():
            return cut_text(value, length)
        case list():
            items = [cut(item, length) for item in value]
            return value if all(map(_same, items, value)) else items
        case dict():
            members = {key: cut(item, length) for key, item in value.items()}
            return value if all(map(_same, members.values(), value.values())) else members
        case _:
            return value


def cut_text(text: str, length: int) -> str:
    """The beginning of a text, with a mark that tells how long it was."""
    return text if len(text) <= length else f"{text[:length]}{CUT}{len(text)} characters]"


def _same(one: object, other: object) -> bool:
    return one is other
