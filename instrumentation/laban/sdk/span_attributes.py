"""Sets plain span attributes (text and numbers) in one step.

The SDK checks each attribute separately, through two functions and a lock: with fourteen attributes, two
fifths of the cost of a span. It still handles other values, and spans at their limits.
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
    """Patch the attributes of all spans of this process. A second call does nothing."""
    upstream: SetItems = _attributes._set_items  # noqa: SLF001 - all attributes go through this method
    if not hasattr(upstream, "upstream"):
        _attributes._set_items = _in_one_step(upstream)  # noqa: SLF001


def uninstall() -> None:
    """Restore the SDK's method."""
    current = _attributes._set_items  # noqa: SLF001
    _attributes._set_items = getattr(current, "upstream", current)  # noqa: SLF001


def _in_one_step(upstream: SetItems) -> SetItems:
    # Not with wrapt: its overhead would cost half of the gain.
    def set_items(bounded: Any, attributes: Mapping[str, object]) -> None:
        """`BoundedAttributes._set_items`."""
        try:
            # The SDK passes a mapping proxy. A copy is a dictionary, which is faster to iterate.
            given = attributes.copy() if type(attributes) is MappingProxyType else attributes
            current: dict[str, object] = bounded._dict  # noqa: SLF001
            limit: int | None = bounded.maxlen
            if (
                # All values are plain,
                _PLAIN.issuperset(map(type, given.values()))
                and _TEXT.issuperset(map(type, given))
                and "" not in given
                # no limit is reached, and no key is replaced: the SDK moves a replaced key to the end.
                and not bounded._immutable  # noqa: SLF001
                and bounded.max_value_len is None
                and (limit is None or len(current) + len(given) <= limit)
                and (not current or current.keys().isdisjoint(given))
            ):
                with bounded._lock:  # noqa: SLF001 - as in the SDK
                    current.update(given)
                return
        except Exception as error:  # noqa: BLE001 - an unknown SDK version: its own way is always right
            warn_once("laban leaves span attributes to the SDK: %r", error)
        upstream(bounded, attributes)

    vars(set_items)["upstream"] = upstream
    return set_items
