"""The hash of a resource, computed once.

The SDK writes the whole resource as JSON for it, and the exporter asks for it with every span: a fifteenth of
what an exported span costs.
"""

from collections.abc import Callable
from typing import Any, Final, cast

from opentelemetry.sdk.resources import Resource

_resource: Final = cast("Any", Resource)
_HASH: Final = "_laban_hash"


def install() -> None:
    """Make it so for all resources of this process; they never change. Twice does no harm."""
    stock: Callable[[Any], int] = _resource.__hash__
    if not hasattr(stock, "stock"):
        _resource.__hash__ = _once(stock)


def uninstall() -> None:
    """As the SDK does it."""
    ours = _resource.__hash__
    _resource.__hash__ = getattr(ours, "stock", ours)


def _once(stock: Callable[[Any], int]) -> Callable[[Any], int]:
    def hash_once(resource: Any) -> int:
        """`Resource.__hash__`."""
        known: int | None = getattr(resource, _HASH, None)
        if known is None:
            known = stock(resource)
            setattr(resource, _HASH, known)
        return known

    vars(hash_once)["stock"] = stock
    return hash_once
