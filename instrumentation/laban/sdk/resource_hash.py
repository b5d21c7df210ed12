"""Caches the hash of a resource.

The SDK serialises the whole resource to JSON to hash it, and the exporter hashes it once per span: a
fifteenth of the cost of an exported span.
"""

from collections.abc import Callable
from typing import Any, Final, cast

from opentelemetry.sdk.resources import Resource

_resource: Final = cast("Any", Resource)
_HASH: Final = "_laban_hash"


def install() -> None:
    """Cache the hash of every resource; resources are immutable. A second call does nothing."""
    upstream: Callable[[Any], int] = _resource.__hash__
    if not hasattr(upstream, "upstream"):
        _resource.__hash__ = _cached(upstream)


def uninstall() -> None:
    """Restore the SDK's method."""
    current = _resource.__hash__
    _resource.__hash__ = getattr(current, "upstream", current)


def _cached(upstream: Callable[[Any], int]) -> Callable[[Any], int]:
    def hash_once(resource: Any) -> int:
        """`Resource.__hash__`."""
        known: int | None = getattr(resource, _HASH, None)
        if known is None:
            known = upstream(resource)
            setattr(resource, _HASH, known)
        return known

    vars(hash_once)["upstream"] = upstream
    return hash_once
