"""Limits on the number of attributes and on the length of their values.

The nesting of values needs no limit here: the decoders refuse more than about 45 levels.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from laban_collector.batch.attributes import Value

CUT_MARK: Final = "… [cut: "
"""Marks the end of a truncated text; the original length follows."""


class AttributeLimits(NamedTuple):
    """Limits on attributes.

    Attributes:
        attributes: number per span, event or link.
        length: characters per text.
    """

    attributes: int
    length: int


class LimitedAttributes(NamedTuple):
    """Attributes within the limits.

    Attributes:
        attributes: the first ones, with truncated values.
        dropped: the number of attributes left out.
        truncated: the number of truncated values.
    """

    attributes: dict[str, Value]
    dropped: int
    truncated: int


def limit_attributes(attributes: Mapping[str, Value], limits: AttributeLimits) -> LimitedAttributes:
    """Apply the limits to attributes."""
    kept = {
        key: truncate(value, limits.length) for key, value in list(attributes.items())[: limits.attributes]
    }
    changed = sum(value is not attributes[key] for key, value in kept.items())
    return LimitedAttributes(kept, len(attributes) - len(kept), changed)


def truncate(value: Value, length: int) -> Value:
    """Return a value with its long texts truncated; the same object if nothing changes."""
    match value:
        case str():
            return truncate_text(value, length)
        case list():
            items = [truncate(item, length) for item in value]
            return value if all(map(_same, items, value)) else items
        case dict():
            members = {key: truncate(item, length) for key, item in value.items()}
            return value if all(map(_same, members.values(), value.values())) else members
        case _:
            return value


def truncate_text(text: str, length: int) -> str:
    """Return the beginning of a long text, with a mark that contains its original length."""
    return text if len(text) <= length else f"{text[:length]}{CUT_MARK}{len(text)} characters]"


def _same(one: object, other: object) -> bool:
    return one is other
