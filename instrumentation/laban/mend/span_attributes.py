"""Span attributes, taken over at once where each of them is plain text or a number.

The SDK looks at every attribute by itself, through two functions and a lock: with fourteen attributes, two
fifths of all that a span costs. What it does stays as it is for whatever is not plain, and at the limits.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from opentelemetry.attributes import BoundedAttributes

_TEXT: Final = frozenset({str})
_PLAIN: Final = frozenset({str, int, bool, float})

SetItems = Callable[[Any, Mapping[str, object]], None]

_attributes: Final = cast("Any", BoundedAttributes)


def install() -> None:
    """Make it so for all spans of this process. Twice does no harm."""
    stock: SetItems = _attributes._set_items  # noqa: SLF001 - the one place that all attributes go through
    if not hasattr(stock, "stock"):
        _attributes._set_items = _at_once(stock)  # noqa: SLF001


def uninstall() -> None:
    """As the SDK does it."""
    ours = _attributes._set_items  # noqa: SLF001
    _attributes._set_items = getattr(ours, "stock", ours)  # noqa: SLF001


def _at_once(stock: SetItems) -> SetItems:
    # Not by wrapt: half of what is won would be lost to it.
    def set_items(kept: Any, attributes: Mapping[str, object]) -> None:
        """`BoundedAttributes._set_items`."""
        # As the SDK hands them over; its copy is a dictionary, which is looked through faster.
        given = attributes.copy() if type(attributes) is MappingProxyType else attributes
        if _is_plain(given) and _is_unbounded(kept, given):
            with kept._lock:  # noqa: SLF001 - as the SDK does
                kept._dict.update(given)  # noqa: SLF001
        else:
            stock(kept, attributes)

    vars(set_items)["stock"] = stock
    return set_items


def _is_plain(attributes: Mapping[str, object]) -> bool:
    return (
        _PLAIN.issuperset(map(type, attributes.values()))
        and _TEXT.issuperset(map(type, attributes))
        and "" not in attributes
    )


def _is_unbounded(kept: Any, attributes: Mapping[str, object]) -> bool:
    """Whether no limit is reached, and nothing replaced: what is replaced goes to the end."""
    held: dict[str, object] = kept._dict  # noqa: SLF001
    return (
        not kept._immutable  # noqa: SLF001
        and kept.max_value_len is None
        and (kept.maxlen is None or len(held) + len(attributes) <= kept.maxlen)
        and (not held or held.keys().isdisjoint(attributes))
    )
