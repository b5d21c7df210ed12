"""Span attributes, taken over at once where each of them is plain text or a number.

The SDK looks at every attribute by itself, through two functions and a lock: with fourteen attributes, two
fifths of all that a span costs. What it does stays as it is for whatever is not plain, and at the limits.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from opentelemetry.attributes import BoundedAttributes

from laban.fail_open import warn_once

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
        try:
            # As the SDK hands them over; its copy is a dictionary, which is looked through faster.
            given = attributes.copy() if type(attributes) is MappingProxyType else attributes
            held: dict[str, object] = kept._dict  # noqa: SLF001
            most: int | None = kept.maxlen
            if (
                # Plain,
                _PLAIN.issuperset(map(type, given.values()))
                and _TEXT.issuperset(map(type, given))
                and "" not in given
                # and no limit is reached, and nothing replaced: what is replaced goes to the end.
                and not kept._immutable  # noqa: SLF001
                and kept.max_value_len is None
                and (most is None or len(held) + len(given) <= most)
                and (not held or held.keys().isdisjoint(given))
            ):
                with kept._lock:  # noqa: SLF001 - as the SDK does
                    held.update(given)
                return
        except Exception as error:  # noqa: BLE001 - another SDK than we know: its own way is always right
            warn_once("laban leaves span attributes to the SDK: %r", error)
        stock(kept, attributes)

    vars(set_items)["stock"] = stock
    return set_items
